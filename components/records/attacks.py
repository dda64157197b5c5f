"""Measured attacks, as they stand in `scores.json`, `metrics.json`, `audit.json` and `page.json`."""

from __future__ import annotations

from typing import Any

import msgspec

from components.records.serialising import Record, plain
from datamix_tf.attacks.base import FIGURES, AttackScore
from datamix_tf.attacks.threat_models import FORMER
from datamix_tf.audit import interval_of


class AttackResult(Record, kw_only=True):
    """An attack on a model; the attacker writes it, and others what of it is to be told.

    Attributes:
        model: Name of the model, where results of several stand beside each other.
        id: Of the attack (`datamix_tf.attacks.registry`).
        name: What tables call it, where that is not the key under which it stands.
        threat: Its threat model; a name in older files becomes today's (`datamix_tf.attacks.threat_models.FORMER`).
        skipped: Why it has no meaning here; the fields below are then those of an attack that was not run.
        score, chance, n, measure, guess: As of `datamix_tf.attacks.AttackScore`. Older files have no guess; their
            chance of naming a class is the share of the most frequent one of the test labels, not of the training
            labels.
        standard_error: Of the score.
        interval: The ends of the 95 % interval of the score. Older files have none; `ends` tells one all the same.
        details: Anything beside the score: `attack` (how it was done), `classes` (how many are told apart), curves.
        seconds: How long the attack took.
        probe: What audits call the attack without its task.

    Raises:
        ValueError: If it has neither a score nor a reason, or a detail has the name of a field.
    """

    beside = "details"

    model: str = ""
    id: str = ""
    name: str = ""
    threat: str = ""
    skipped: str = ""
    score: float | None = None
    chance: float | None = None
    n: int | None = None
    measure: str = ""
    standard_error: float | None = None
    interval: tuple[float, float] | None = None
    guess: float | None = None
    details: dict[str, Any] = {}
    seconds: float | None = None
    probe: str = ""

    def __post_init__(self):
        super().__post_init__()
        if not self.skipped and (None in (self.score, self.chance, self.n) or not self.measure):
            raise ValueError("an attack must have score, chance, n and measure, or be skipped with a reason")
        msgspec.structs.force_setattr(self, "threat", FORMER.get(self.threat, self.threat))

    @classmethod
    def of(cls, score: AttackScore, classes: int, **named: Any) -> AttackResult:
        """The result with a score on so many classes."""
        figures = {name: getattr(score, name) for name in (*FIGURES, "guess")}
        return cls(**figures, details={**score.details, "classes": classes}, **named)

    @property
    def ends(self) -> tuple[float, float] | None:
        """The ends of the 95 % interval of the score, or `None` if nothing tells them."""
        return interval_of(plain(self))

    @property
    def is_share(self) -> bool:
        """Whether it was measured on a scale on which chance and success have a meaning, from 0 to 1."""
        return not self.skipped and self.measure != "inverse_mse"


class Separation(Record, kw_only=True):
    """What separation alone, without training, makes of a model's mixtures; the reporter measures it.

    Attributes:
        score, chance, n, measure, standard_error: As of `datamix_tf.attacks.AttackScore`; `n` is in groups.
        attack: How it was done.
        threat: Its threat model.
        name: What tables call it.
    """

    score: float
    chance: float
    n: int
    measure: str
    standard_error: float
    attack: str
    threat: str
    name: str
