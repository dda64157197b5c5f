"""The flags of the commands, and named settings."""

from pipeline.options.run_options import RunOptions, parse

__all__ = ["RunOptions", "parse"]
