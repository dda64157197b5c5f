"""The version of the package, readable without importing anything: the one place where it is written."""

__version__ = "0.2.0"
