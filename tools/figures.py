"""The figures of finished runs, and how far those of two runs are apart."""

from __future__ import annotations

import os
from collections.abc import Iterator

from components.records.metrics import METRICS_FILE, Metrics
from components.records.serialising import plain, read

#: Entries of metrics.json that measure time, not the model.
TIMES = ("seconds", "training_seconds", "seconds_per_group")


def figures(folder: str) -> dict[str, float]:
    """Every number of the rows of `metrics.json`, by its path."""
    metrics = read(os.path.join(folder, METRICS_FILE), Metrics)
    found = leaves(plain(metrics.rows), "rows", TIMES)
    return {path: float(value) for path, value in found if type(value) in (int, float)}


def difference(wanted: dict[str, float], found: dict[str, float]) -> float:
    """The largest difference; infinite if one has a figure that the other has not."""
    if set(wanted) != set(found):
        return float("inf")
    return max(abs(wanted[name] - found[name]) for name in wanted)


def leaves(value, path: str, ignored=()) -> Iterator[tuple[str, object]]:
    """What a JSON value consists of.

    Args:
        value: What `json.load` returned.
        path: Where it stands.
        ignored: Keys that are left out wherever they occur, with all that is in them.

    Yields:
        `(path, value)` of every text, number, `true`, `false`, `null`, and of every list and object that is empty.
    """
    if value and isinstance(value, dict):
        for name, item in value.items():
            if name not in ignored:
                yield from leaves(item, f"{path}/{name}", ignored)
    elif value and isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}/{index}", ignored)
    else:
        yield path, value
