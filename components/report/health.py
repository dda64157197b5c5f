"""Data health: splits, label balance and bad records."""

from __future__ import annotations

import collections
import statistics
from collections.abc import Sequence

from components.records.page import Page

MOST_BARS, MOST_NAMES = 48, 6


def health(page: Page) -> dict:
    """What the section on data shows.

    Returns:
        `splits` (name, count, share); `columns`, each with `name`, `role`, and either `bars` (text, count, share) or,
        for more classes than `MOST_BARS`, `many` (classes, fewest, median and most examples of one); `reasons`, bad
        records counted by reason.
    """
    data, counts = page.data, page.data.label_counts
    total = sum(data.splits.values())
    binary = data.task == "binary"
    columns = []
    if binary:
        bars = [_bar(name, counts[name].get("1", 0), total) for name in data.target]
        columns.append({"name": "examples with each label", "role": "target", "bars": bars})
    else:
        columns += [_column(name, counts[name], "target") for name in data.target]
    columns += [_column(name, counts[name], "hidden: what the attacker is after") for name in data.hidden]
    reasons = collections.Counter(record.reason for record in page.bad)
    return {
        "total": total,
        "splits": [_bar(name, count, total) for name, count in data.splits.items()],
        "columns": columns,
        "reasons": reasons.most_common(),
    }


def shortened(names: Sequence[str]) -> str:
    """Names with commas; of very many the first, and how many more."""
    if len(names) <= MOST_NAMES + 1:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"


def _column(name, counted, role):
    total = sum(counted.values())
    if len(counted) <= MOST_BARS:
        return {"name": name, "role": role, "bars": [_bar(value, count, total) for value, count in counted.items()]}
    sizes = sorted(counted.values())
    many = {"classes": len(sizes), "fewest": sizes[0], "median": round(statistics.median(sizes)), "most": sizes[-1]}
    return {"name": name, "role": role, "many": many}


def _bar(text, count, total):
    return {"text": text, "count": count, "share": count / max(total, 1)}
