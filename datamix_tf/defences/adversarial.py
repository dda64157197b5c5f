"""Features trained against an adversary who is after a hidden attribute (Feutry et al., 2018)."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.defences.base import Defence, NetworkSpec, variant
from datamix_tf.defences.obfuscated_feature import ObfuscatedFeature, with_layers
from datamix_tf.defences.registry import register
from datamix_tf.defences.stages import Adversary, Stage
from datamix_tf.settings import at_least
from datamix_tf.typing import Array

#: The adversary's learning rate and, where the paper names none, its weight.
ADVERSARY_RATE, GAMMA = 1e-3, 0.5


@dataclasses.dataclass(frozen=True)
class AgainstAdversary(ObfuscatedFeature):
    """The base of those that train the whole network against an adversary from the start."""

    needs_people = True

    @property
    def starts_from(self) -> Defence | None:
        return None

    def build(self, spec: NetworkSpec) -> Any:
        return with_layers(spec.network(), spec.pre_layer(self.num_pre_blocks), self.layers(spec, _none))


def _none() -> Array:
    raise ValueError("an untrained network has no features")


@register
@dataclasses.dataclass(frozen=True)
class AdversarialTraining(AgainstAdversary):
    """The feature at the cut is sent as it is (`datamix_tf.training.adversarial`).

    Reference: Feutry et al. (2018); Samragh et al. (2021), Eq. 3.
    """

    id = "adversarial"
    weight: float = variant(
        1.0,
        "weights of the adversary for adversarial, with commas",
        flag="adversary_weight",
        values=(1.0,),
        **at_least(0),
    )

    @property
    def label(self) -> str:
        return f"adversarial training, weight {self.weight:g}, N_pre={self.num_pre_blocks}"

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        return (Stage(epochs, adversary=Adversary(self.weight, learning_rate=ADVERSARY_RATE)),)
