"""The papers' tables, and our own: one file each, data only. `python -m pipeline.run --experiment table2` runs one."""

from __future__ import annotations

import dataclasses
import importlib
import typing
from collections.abc import Callable

if typing.TYPE_CHECKING:  # rows need TensorFlow, which commands import after they have read their flags
    from pipeline.experiments.rows import Row

EXPERIMENTS = ("table1", "table2", "table3", "table4", "figure4", "figure7", "composition")


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table of the papers.

    Attributes:
        title: What it is called there.
        preset: The preset that is used if none is named, one of `pipeline.options.presets.PRESETS`; `None` for none.
        columns: Heading -> what is printed: `"valid"`, `"test"`, `"balanced"`, or the name of an attack, in which
            `{hidden}` and `{target}` stand for what the data set calls them.
        rows: The `Row`s, with the papers' figures by heading.
        text: Makes the table where it is arithmetic alone: there are no rows then, and nothing is trained.
    """

    title: str
    preset: str | None
    columns: dict[str, str]
    rows: tuple[Row, ...]
    text: Callable[[], str] | None = None


def load(name: str) -> Experiment:
    """The experiment `name`, one of `EXPERIMENTS`."""
    return importlib.import_module(f"pipeline.experiments.{name}").EXPERIMENT
