"""The lines of `benchmarks.jsonl`, which `python -m benchmarks` keeps."""

from __future__ import annotations

import json
import pathlib


def lines(results: pathlib.Path, benchmark: str) -> list[dict]:
    """The lines of one benchmark, in order.

    Raises:
        ValueError: If there are none.
    """
    path = results / "benchmarks.jsonl"
    told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [line for line in told if line["benchmark"] == benchmark]
    if not found:
        raise ValueError(
            f"Expected figures of {benchmark!r} in {path.name}. Received: none; `make bench` measures them"
        )
    return found
