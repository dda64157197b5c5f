"""`python -m datamix_cli`: the console command where it is not installed."""

from __future__ import annotations

import sys

from datamix_cli.console import main

if __name__ == "__main__":
    sys.exit(main())
