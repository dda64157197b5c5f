"""The common interface of attacks."""

from __future__ import annotations

import abc
import dataclasses
import math
from typing import Any

from datamix_tf.typing import Examples
from datamix_tf.uncertainty import NORMAL, Uncertainty

FIGURES = ("score", "chance", "n", "measure", "standard_error", "interval")


#: Measures that are a share of hits, one for each test example: they alone have the binomial standard error.
SHARES = ("accuracy", "matched_accuracy")


@dataclasses.dataclass(frozen=True)
class AttackScore:
    """A measured privacy figure.

    Attributes:
        score: Success of the attack; higher means more was learned. From 0 to 1, but for `"inverse_mse"`, which is at
            most 0.
        chance: What an attacker reaches who knows the training labels and not the transmitted data.
        n: Number of test examples behind the score.
        measure: What `score` is: `"accuracy"`, `"balanced_accuracy"`, `"recall"`, `"inverse_mse"`, `"key_agreement"`,
            `"auc"` or `"correlation"`; `"matched_..."` where a group's rows are compared in the order that fits best.
        details: Anything JSON-ready beside it (learning curve, settings).
        spread: Standard deviation of the single examples' scores, for measures that are a mean of `n` independent
            numbers and no share of hits.
        uncertainty: How far the score may be off, where more is known of it: the mean of several columns, or trials
            that are not independent of each other (`datamix_tf.uncertainty`).
        guess: What an attacker reaches who does not even know the training labels, where that is another number.

    Raises:
        ValueError: If a detail has the name of one of the figures; or if the score is no share of hits and has neither
            a spread nor an uncertainty.
    """

    score: float
    chance: float
    n: int
    measure: str
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    spread: float | None = None
    uncertainty: Uncertainty | None = None
    guess: float | None = None

    def __post_init__(self) -> None:
        taken = sorted({*FIGURES, "guess"} & set(self.details))
        if taken:
            raise ValueError(f"details of a score must not overwrite its {', '.join(taken)}; rename them")
        if self.measure not in SHARES and self.spread is None and self.uncertainty is None:
            raise ValueError(
                f"expected a spread or an uncertainty with a score that is no share of hits ({', '.join(SHARES)}), "
                f"such as datamix_tf.uncertainty.of_balanced_accuracy; received the measure {self.measure!r} alone"
            )

    @property
    def standard_error(self) -> float:
        """Standard error of `score`: that of `uncertainty`, or from `spread`, or binomial for a share of hits."""
        if self.uncertainty is not None:
            return self.uncertainty.error
        spread = math.sqrt(max(self.score * (1 - self.score), 0)) if self.spread is None else self.spread
        return spread / math.sqrt(max(self.n, 1))

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the 95 % interval of `score`."""
        if self.uncertainty is not None:
            return self.uncertainty.interval
        reach = NORMAL * self.standard_error
        return (self.score - reach, self.score + reach)

    def to_dict(self) -> dict[str, Any]:
        """The figure as a flat JSON-ready dictionary."""
        figures = {name: getattr(self, name) for name in FIGURES} | {"interval": list(self.interval)}
        return figures | ({} if self.guess is None else {"guess": self.guess}) | self.details


class Attack(abc.ABC):
    """An attacker who sees what the cloud sees.

    Subclasses are given, when made, what the attacker knows of the system (the weights, the way of transmission). `fit`
    gets examples that the attacker has collected, `score` is measured on others.
    """

    @abc.abstractmethod
    def fit(self, train: Examples, valid: Examples) -> None:
        """Prepares the attack on labelled examples, pairs `(x, y)`; `valid` picks the best state.

        They are arrays; if its `AttackSpec` says that it `streams`, `x` may also be something of which rows are read
        by `x[indices]`, with a length, `shape` and `dtype`.
        """

    @abc.abstractmethod
    def score(self, test: Examples) -> AttackScore:
        """Measures the attack on unseen examples, a pair `(x, y)` as in `fit`."""
