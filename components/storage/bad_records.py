"""Records that could not be used: collected, listed, and too many of them stop the run."""

from __future__ import annotations

import collections
import dataclasses
import os

import apache_beam as beam

from components.errors import InputError
from components.storage.artifacts import write_json

FILE = "bad_records.json"


class WriteBadRecords(beam.PTransform):
    """Writes a collection of `BadRecord` to `folder/bad_records.json`, sorted by name."""

    def __init__(self, folder: str, earlier=()):
        super().__init__()
        self.folder = folder
        self.earlier = list(earlier)

    def expand(self, records):
        return (
            records
            | "AsDict" >> beam.Map(dataclasses.asdict)
            | "Collect" >> beam.combiners.ToList()
            | "Write" >> beam.Map(_write, self.folder, self.earlier)
        )


def _write(records, folder, earlier):
    ordered = sorted(earlier + records, key=lambda record: (record["name"], record["reason"]))
    write_json(os.path.join(folder, FILE), ordered)


def check_share(bad: list[dict], good: int, largest_share: float) -> None:
    """Raises an InputError if more than `largest_share` of all records are bad, or nothing good is left."""
    total = good + len(bad)
    if total == 0:
        raise InputError("expected examples, but the data set has none; check the path and the layout of the data")
    share = len(bad) / total
    if good and share <= largest_share:
        return
    first = bad[0]["name"]
    reasons = collections.Counter(record["reason"] for record in bad)
    if len(reasons) == 1 and len(bad) > 1:
        told = f"all for one reason: {bad[0]['reason']} ({first} and {len(bad) - 1} more)"
    else:
        example = {record["reason"]: record["name"] for record in reversed(bad)}
        several = {reason: f" (and {count - 1} more)" if count > 1 else "" for reason, count in reasons.items()}
        told = "for example " + "; ".join(
            f"{example[reason]}{several[reason]}: {reason}" for reason, _ in reasons.most_common(3)
        )
    remedy = "Mend or remove them" + (", or raise --max_bad_share" if good else "")
    raise InputError(
        f"expected at most {largest_share:.0%} bad records, but {len(bad)} of {total} ({share:.1%}) are bad, {told}. "
        f"{remedy}"
    )
