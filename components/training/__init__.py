"""How models are built and trained: networks, data, checkpoints, replicas."""
