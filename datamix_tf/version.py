"""The version, as `datamix_tf.__version__`; `serving/version.py` is the one place where it is written."""

from __future__ import annotations

from serving.version import __version__ as __version__
