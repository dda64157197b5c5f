"""What a defence is: its settings, the network that it builds, what leaves the edge, what it is called."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any, ClassVar

from datamix_tf.costs import cost_of
from datamix_tf.defences.network_spec import NetworkSpec
from datamix_tf.defences.stages import Stage
from datamix_tf.settings import KEY, Setting, settings_of
from datamix_tf.typing import Array

FLAG = "flag"
FLOAT_BYTES = 4


@dataclasses.dataclass(frozen=True)
class Flag:
    """How a command asks for the variants of a defence.

    Attributes:
        name: The flag's name, without dashes; several defences may share one.
        default: What it is if nobody sets it: a tuple makes a variant for each of its items.
    """

    name: str
    default: Any


def variant(default: Any, help: str, flag: str, values: Any, **more: Any) -> Any:
    """A setting that tells variants of a defence apart, and the flag that chooses them.

    Args:
        default: The field's default.
        help: What it means, in a clause.
        flag: Name of the flag, without dashes.
        values: The flag's default; a tuple where it takes several, with commas.
        **more: `check`, `expected` and `choices` of `datamix_tf.settings.Setting`.
    """
    return dataclasses.field(default=default, metadata={KEY: Setting(help, **more), FLAG: Flag(flag, values)})


@dataclasses.dataclass(frozen=True)
class Costs:
    """What a method costs for one example.

    Attributes:
        params: Parameters on the edge.
        macs: Multiply-adds on the edge, mixing and de-mixing included.
        bytes_up: Bytes to the cloud.
        bytes_down: Bytes back.
    """

    params: int
    macs: int
    bytes_up: int
    bytes_down: int


@dataclasses.dataclass(frozen=True)
class Defence:
    """A way to keep the cloud from learning; its fields are the settings that tell its variants apart.

    A subclass is a frozen dataclass in a module of its own, registered with `datamix_tf.defences.register`. Commands
    take flags, rows, tables, costs and packaging from it.

    Class attributes:
        id: Its name in `--methods` and in `metrics.json`.
        mixes: Whether features are mixed in groups with orthogonal keys, and trained so.
        sends_nothing: Whether all runs on the edge.
        edge_alone: Whether it is a small network that tells what the edge can do without a cloud.
        distilled: Whether a run's `--distill` applies to it: a share of its loss then follows the unmixed network.
        leakage: Share of what there is to know that the cloud has by construction; `None` where it is measured.
        attacked: Whether a run's attacks are run on it.
        mixes_labels: Whether it is trained on pairs of inputs mixed with their labels (mixup).
        needs_people: Whether it is trained against a hidden label column.
        backbones: The networks that it can be trained on; empty for all.
        shares_backbone: Whether it is trained on the backbone; else it has a network of its own.
        absent: Settings of runs from before there was a field for them.
        num_pre_blocks, group_size: What those without such a setting have.
    """

    id: ClassVar[str]
    mixes: ClassVar[bool] = False
    sends_nothing: ClassVar[bool] = False
    edge_alone: ClassVar[bool] = False
    distilled: ClassVar[bool] = False
    leakage: ClassVar[float | None] = None
    attacked: ClassVar[bool] = True
    mixes_labels: ClassVar[bool] = False
    needs_people: ClassVar[bool] = False
    backbones: ClassVar[tuple[str, ...]] = ()
    shares_backbone: ClassVar[bool] = True
    absent: ClassVar[dict[str, Any]] = {}
    # Not annotated: defences that have such a setting declare it as a field.
    num_pre_blocks = 0
    group_size = 1

    @property
    def label(self) -> str:
        """What it is called in tables."""
        raise NotImplementedError

    @property
    def model_name(self) -> str:
        """Name of its trained model, without the seed."""
        return self.id + "".join(f"{value:g}" for value in self.settings.values())

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings by name, in order."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @property
    def costs_are_learned(self) -> bool:
        """Whether what it costs depends on trained weights, and not on its settings alone."""
        return False

    @property
    def trained_as(self) -> Defence:
        """The defence whose trained network it runs: itself, or one that differs in where it runs alone."""
        return self

    @property
    def trained_group_size(self) -> int:
        """Inputs mixed with each other in training; a batch is a whole number of such groups."""
        return self.group_size

    @property
    def packaging(self) -> int:
        """How much it is preferred for packaging; the highest is packaged, of equal ones the first."""
        return 0

    def distill_share(self, asked: float) -> float:
        """Share of its loss that follows the unmixed network, if a run asks for `asked` where that applies."""
        return asked if self.distilled else 0.0

    def build(self, spec: NetworkSpec) -> Any:
        """The untrained network."""
        raise NotImplementedError

    @property
    def starts_from(self) -> Defence | None:
        """The defence whose trained network it changes; `None` if it trains one of its own (`build`)."""
        return None

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        """How it is trained, by the epochs of a training and of a fine-tuning; by default once."""
        return (Stage(epochs),)

    def references(self, model: Any) -> dict[str, Callable[..., Any]]:
        """Networks with the same weights to compare the model with, by name."""
        return {}

    def details(self, model: Any, x: Array) -> dict[str, float]:
        """What else its row of `metrics.json` tells of the trained model, by name.

        Args:
            model: The trained model.
            x: Raw inputs of the test split, `[n, ...]`.
        """
        return {}

    def costs(self, model: Any, spec: NetworkSpec) -> Costs:
        """What its trained model costs on the edge and on the wire; by default all runs in the cloud."""
        whole = cost_of(model)
        return Costs(0, 0, raw_bytes(spec), whole["output_bytes"])

    def check(self, width: int) -> None:
        """Checks its settings, for networks of a width.

        Raises:
            ValueError: If one cannot be used.
        """
        flags = flags_of(type(self))
        for name, found in settings_of(self).items():
            if refusal := found.refusal(getattr(self, name)):
                raise ValueError(f"--{flags[name].name if name in flags else name} {refusal}")

    @classmethod
    def variants(cls, options: Any) -> list[Defence]:
        """The variants that options ask for, by the flags of the settings (`variant`)."""
        flags = flags_of(cls)
        choices = {name: getattr(options, flag.name) for name, flag in flags.items()}
        each = [value if isinstance(value, tuple) else (value,) for value in choices.values()]
        return [cls(**dict(zip(choices, values, strict=True))) for values in itertools.product(*each)]

    @classmethod
    def of(cls, settings: dict[str, Any]) -> Defence:
        """The variant with these settings; others in the dictionary are passed over."""
        return cls(**{field.name: (cls.absent | settings)[field.name] for field in dataclasses.fields(cls)})


def flags_of(kind: Any) -> dict[str, Flag]:
    """The flags of a defence's settings, by field name."""
    return {field.name: field.metadata[FLAG] for field in dataclasses.fields(kind) if FLAG in field.metadata}


def raw_bytes(spec: NetworkSpec) -> int:
    """Bytes of one raw input as it is stored."""
    return math.prod(spec.shape) * spec.item_bytes
