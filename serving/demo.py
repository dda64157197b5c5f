"""`python -m serving.demo`, as the demo was called before: `python -m pipeline.demo`."""

from __future__ import annotations

import runpy

if __name__ == "__main__":
    runpy.run_module("pipeline.demo", run_name="__main__", alter_sys=True)
