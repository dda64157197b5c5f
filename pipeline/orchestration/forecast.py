"""How long a run will take on this machine, and which flag makes it shorter: told before it begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from components import attacker, trainer
from components.attacker import Attacker
from components.records.dataset import DatasetSchema
from components.storage import files
from components.storage.artifacts import Examples, Models
from components.trainer import Trainer
from components.training import models as trained
from components.training.networks import ModelConfig
from pipeline.orchestration.durations import Machine
from pipeline.orchestration.work import Part, Sizes, base_of, networks, parts

#: Sizes of the splits of data that nobody has counted yet.
UNKNOWN = 3000
#: A flag that saves less than this share of a run's time, or less than so many seconds, is not worth telling.
LEAST_SHARE, LEAST_SECONDS = 0.15, 30.0
#: Names of what components do, for a sum of each.
NAMES = {"trainer": "training", "attacker": "attack", "auditor": "attack"}


@dataclasses.dataclass
class Forecast:
    """The work that is left of a run.

    Attributes:
        parts: The work of each component that is run, in order.
        machine: This machine.
        kept: How many trainings and attacks are taken from before.
    """

    parts: list[Part]
    machine: Machine
    kept: int = 0

    @property
    def seconds(self) -> float:
        """How long all of it takes."""
        return sum(self.seconds_of(part) for part in self.parts)

    @property
    def worth_telling(self) -> bool:
        """Whether it takes so long that somebody may want it shorter."""
        return self.seconds > LEAST_SECONDS

    def seconds_of(self, part: Part) -> float:
        """How long a part takes."""
        return sum(self.machine.seconds(unit) for unit in part.units)

    def text(self, shorter: Iterable[tuple[str, float]] = ()) -> str:
        """What to tell before the run begins.

        Args:
            shorter: Flags, and how long the run would take with each.
        """
        if not self.parts:
            return "nothing has changed since the last run: nothing is done again"
        total = self.seconds
        pieces = []
        for part in self.parts:
            if (kind := NAMES.get(part.name)) and len(part.units) > 1:
                count = len(part.units) - 1
                pieces.append(f"{count} {kind}{'s' * (count > 1)} {duration(self.seconds_of(part))}")
        kept = [f"{self.kept} more are kept from before"] if self.kept else []
        detail = "; ".join([*([", ".join(pieces)] if pieces else []), *kept])
        line = f"this run takes {about(total)} on this machine" + (f" ({detail})" if detail else "")
        saving = [
            (flag, seconds) for flag, seconds in shorter if total - seconds > max(LEAST_SECONDS, LEAST_SHARE * total)
        ]
        told = " or ".join(f"{flag} ({about(seconds)})" for flag, seconds in saving[:2])
        return f"{line}; shorter: {told}" if told else line


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known before a run of what it works on.

    Attributes:
        splits: Examples by split.
        schema: Of the data set, or `None` where it is not known before the data are read.
        configs: The models of the run.
        examples: The decoded examples, if they will be taken as they are.
        models: The trained models, likewise.
    """

    splits: dict[str, int]
    schema: DatasetSchema | None
    configs: list[ModelConfig]
    examples: Examples | None = None
    models: Models | None = None


def forecast(nodes: list[Any], known: Known, machine: Machine) -> Forecast:
    """What is left of a run.

    Args:
        nodes: The nodes that are run (`pipeline.orchestration.dag`).
        known: What they work on.
        machine: This machine.
    """
    configs, schema = known.configs, known.schema
    counted = networks(configs, schema, machine) if schema and nodes else {}
    base = base_of(configs[0], schema) if configs and schema else "unknown"
    found = parts(nodes, Sizes(known.splits, counted, base))
    names = _kept(nodes, known)
    left = [Part(part.name, tuple(unit for unit in part.units if unit.name not in names)) for part in found]
    kept = sum(len(part.units) for part in found) - sum(len(part.units) for part in left)
    return Forecast(left, machine, kept)


def splits_of(options: Any, source: Any, examples: Examples | None) -> dict[str, int]:
    """Examples by split: those that were counted, or what shares make of the data set's size."""
    if examples is not None:
        return dict(examples.schema().splits)
    count = min(getattr(source, "examples", None) or UNKNOWN, options.examples or 10**9)
    test, valid = options.test_share, options.valid_share
    shares = {"train": 1 - test - valid, "valid": valid, "test": test}
    return {split: round(count * share) for split, share in shares.items()}


def _kept(nodes, known) -> set[str]:
    """The units of work whose results are kept from earlier runs."""
    if known.examples is None:
        return set()
    found: set[str] = set()
    for node in nodes:
        component, keep = node.component, node.component.parameters.get("keep")
        if isinstance(component, Trainer):
            for config in component.parameters["models"]:
                stored = trainer.stored_at(config, known.examples, keep)
                found |= {trainer.unit_of(config)} if files.is_whole(stored) else set()
        elif isinstance(component, Attacker) and known.models is not None:
            digests: dict[str, str] = {}
            for config in component.parameters["attacks"]:
                if config.model not in digests:
                    digests[config.model] = trained.digest(known.models, config.model)
                stored = attacker.stored_at(config, known.examples, digests[config.model], keep)
                found |= {attacker.unit_of(config)} if files.is_whole(stored) else set()
    return found


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 95:
        return f"{round(seconds, -1):.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def about(seconds: float) -> str:
    """A time that is not known exactly."""
    return duration(seconds) if seconds < 10 else f"about {duration(seconds)}"
