"""What the evaluator makes of measurements: what a cloud gains, and what to use."""
