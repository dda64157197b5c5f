"""`python -m tools.metrics_table`: writes docs/reference/metrics.md, what metrics.json holds, from its records."""

from __future__ import annotations

import inspect
import pathlib
import re

import msgspec

from components.records.attacks import AttackResult
from components.records.dataset import Dataset, DatasetSchema, RawSchema
from components.records.metrics import Accuracy, Answer, Gain, Metrics, OfMethod, Row, SummaryEntry
from components.records.serialising import Record, Versioned
from datamix_tf.attacks.base import AttackScore

PATH = pathlib.Path(__file__).resolve().parents[1] / "docs" / "reference" / "metrics.md"
INTRODUCTION = """\
# What `metrics.json` holds

Every run writes `metrics.json`: what was measured of each of its methods. `python -m tools.metrics_table` writes this
page from the records in `components/records`, which also check a file that is read.

A field with a default may be missing: then it has its default. All shares are from 0 to 1. In Python:

```python
from components.records import serialising
from components.records.metrics import METRICS_FILE, Metrics

metrics = serialising.read(f"runs/avatars/{METRICS_FILE}", Metrics)
for row in metrics.rows:
    print(row.label, row.test_accuracy, row.edge_macs, row.bytes_up)
```"""
#: The records, with what each is in the file.
RECORDS = {
    Metrics: "The file",
    Dataset: "`dataset`: the data",
    Row: "An entry of `rows`: a method with one seed",
    AttackResult: "An entry of `attacks`: one attack on one model",
    Accuracy: "An entry of a row that compares: a network with the same weights",
    SummaryEntry: "An entry of `summary`: a method over all seeds",
    Gain: "`gain`: what the cloud adds to the edge",
    Answer: "`answer`: what to use for the task",
}
#: Where a record says "as of another one", the classes that tell it.
TOLD_BY = {
    Row: (Accuracy, OfMethod, Versioned),
    SummaryEntry: (Row, OfMethod),
    AttackResult: (AttackScore,),
    Dataset: (DatasetSchema, RawSchema),
    Metrics: (Versioned,),
    Answer: (OfMethod,),
}
ENTRY = re.compile(r"^    (\w[\w, .]*): (.*(?:\n      +.*)*)", re.MULTILINE)


def page() -> str:
    """The page, as Markdown."""
    return "\n\n".join([INTRODUCTION, *map(section, RECORDS)]) + "\n"


def section(kind: type[Record]) -> str:
    """A record's heading, and a table of its fields.

    Raises:
        KeyError: If the docstring of neither the record nor its relatives tells what a field is.
    """
    told = described(kind)
    lines = ["| field | type | default | what it is |", "| --- | --- | --- | --- |"]
    for field in msgspec.structs.fields(kind):
        if field.name == kind.beside:
            continue
        lines.append(f"| `{field.name}` | `{type_of(kind, field.name)}` | {default_of(field)} | {told[field.name]} |")
    parts = [f"## {RECORDS[kind]}", "\n".join(lines)]
    if kind.beside:
        parts.append(f"**Beside these fields**, under names of their own: {told[kind.beside]}")
    return "\n\n".join(parts)


def described(kind: type) -> dict[str, str]:
    """Field -> what its record, or the one that this refers to, says of it."""
    found: dict[str, str] = {}
    for relative in (*reversed(TOLD_BY.get(kind, ())), kind):
        names = [field.name for field in msgspec.structs.fields(relative)] if issubclass(relative, Record) else []
        text = inspect.cleandoc(relative.__doc__ or "").partition("Attributes:\n")[2]
        for heading, told in ENTRY.findall(text):
            for name in spelled_out(heading.split(", "), names):
                if not (told.startswith(("As of", "Likewise")) and name in found):
                    found[name] = " ".join(told.split())
    return found


def spelled_out(names: list[str], all_names: list[str]) -> list[str]:
    """Names with those that "..." stands for."""
    if "..." not in names:
        return names
    gap = names.index("...")
    first, last = all_names.index(names[gap - 1]), all_names.index(names[gap + 1])
    return [*names[:gap], *all_names[first + 1 : last], *names[gap + 1 :]]


def type_of(kind: type, name: str) -> str:
    """A field's annotation as it is written, without bars, which part a table's columns."""
    for owner in kind.__mro__:
        if name in inspect.get_annotations(owner):
            return inspect.get_annotations(owner)[name].replace(" | ", " or ")
    raise AttributeError(name)


def default_of(field: msgspec.structs.FieldInfo) -> str:
    """A field's default as a reader knows it."""
    if field.required:
        return "required"
    if field.default_factory is not msgspec.NODEFAULT:
        return "empty"
    return {None: "none", "": "empty", (): "empty"}.get(field.default, f"`{field.default}`")


def main() -> None:
    """Writes the page."""
    PATH.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
