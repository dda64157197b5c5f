"""The common interface of attacks."""

from __future__ import annotations

import abc
import dataclasses
import math
from typing import Any

from datamix_tf.typing import Examples


@dataclasses.dataclass(frozen=True)
class AttackScore:
    """A measured privacy figure.

    Attributes:
        score: Success of the attack; higher means more was learned. From 0 to 1, but for `"inverse_mse"`, which is at
            most 0.
        chance: What guessing without the transmitted data reaches.
        n: Number of test examples behind the score.
        measure: What `score` is: `"accuracy"`, `"balanced_accuracy"`, `"recall"`, `"inverse_mse"`, `"key_agreement"`,
            `"auc"` or `"correlation"`; `"matched_..."` where a group's rows are compared in the order that fits best.
        details: Anything JSON-ready beside it (learning curve, settings).
        spread: Standard deviation of the single examples' scores, for measures that are no share.

    Raises:
        ValueError: If a detail has the name of one of the figures.
    """

    score: float
    chance: float
    n: int
    measure: str
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    spread: float | None = None

    def __post_init__(self) -> None:
        taken = sorted({"score", "chance", "n", "measure", "standard_error"} & set(self.details))
        if taken:
            raise ValueError(f"details of a score must not overwrite its {', '.join(taken)}; rename them")

    @property
    def standard_error(self) -> float:
        """Standard error of `score`: binomial for a share of `n` independent examples, else from `spread`."""
        spread = math.sqrt(max(self.score * (1 - self.score), 0)) if self.spread is None else self.spread
        return spread / math.sqrt(max(self.n, 1))

    def to_dict(self) -> dict[str, Any]:
        """The figure as a flat JSON-ready dictionary."""
        named = {"score": self.score, "chance": self.chance, "n": self.n, "measure": self.measure}
        return {**named, "standard_error": self.standard_error, **self.details}


class Attack(abc.ABC):
    """An attacker who sees what the cloud sees.

    Subclasses are given, when made, what the attacker knows of the system (the weights, the way of transmission). `fit`
    gets examples that the attacker has collected, `score` is measured on others.
    """

    @abc.abstractmethod
    def fit(self, train: Examples, valid: Examples) -> None:
        """Prepares the attack on labelled examples, pairs `(x, y)` of arrays; `valid` picks the best state."""

    @abc.abstractmethod
    def score(self, test: Examples) -> AttackScore:
        """Measures the attack on unseen examples, a pair `(x, y)` of arrays."""
