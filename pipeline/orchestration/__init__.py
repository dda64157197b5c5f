"""Who feeds whom, what is skipped, and what is written down of it."""
