"""The version, as the installed package tells it: `serving/version.py` is the one place where it is written."""

from __future__ import annotations

import importlib.metadata

try:
    __version__ = importlib.metadata.version("datamix-tf")
except importlib.metadata.PackageNotFoundError:  # a checkout that is on the path and not installed
    __version__ = "unknown"
