"""How a defence's network is trained: in stages, one after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from datamix_tf.defences.network_spec import NetworkSpec
from datamix_tf.typing import Examples

#: From the model so far, what it is built for, and a function that gives labelled validation examples, to another one.
Change = Callable[[Any, NetworkSpec, Callable[[], Examples]], Any]


@dataclasses.dataclass(frozen=True)
class Adversary:
    """Who the network is trained against (`datamix_tf.training.adversarial`).

    Attributes:
        gamma: Weight of the adversary's loss.
        distance_weight: Weight of the distance between what is sent and what is not changed.
        learning_rate: Of the adversary's Adam; `None`: an optimizer like the network's.
    """

    gamma: float = 1.0
    distance_weight: float = 0.0
    learning_rate: float | None = None


@dataclasses.dataclass(frozen=True)
class Stage:
    """One training.

    Attributes:
        epochs: Passes over the train split; 0 trains nothing.
        change: What is done to the network first.
        rate: Share of the peak learning rate.
        curriculum: Whether a curriculum of the mixing applies.
        adversary: Who the network is trained against; it then needs a hidden label column.
        frozen: The layers that stay as they are, of a model.
        wrapped: What is fitted in place of the model and trains it: from the model, what it is built for, the steps of
            an epoch.
    """

    epochs: int
    change: Change | None = None
    rate: float = 1.0
    curriculum: bool = True
    adversary: Adversary | None = None
    frozen: Callable[[Any], Iterable[Any]] = lambda model: ()
    wrapped: Callable[[Any, NetworkSpec, int], Any] | None = None
