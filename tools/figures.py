"""The figures of finished runs, and how far those of two runs are apart."""

from __future__ import annotations

import json
import os

#: Entries of metrics.json that measure time, not the model.
TIMES = ("seconds", "training_seconds")


def figures(folder: str) -> dict[str, float]:
    """Every number of the rows of `metrics.json`, by its path."""
    with open(os.path.join(folder, "metrics.json"), encoding="utf-8") as file:
        return dict(_numbers(json.load(file)["rows"], "rows"))


def difference(wanted: dict[str, float], found: dict[str, float]) -> float:
    """The largest difference; infinite if one has a figure that the other has not."""
    if set(wanted) != set(found):
        return float("inf")
    return max(abs(wanted[name] - found[name]) for name in wanted)


def _numbers(value, path):
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in TIMES:
                yield from _numbers(item, f"{path}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers(item, f"{path}/{index}")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, float(value)
