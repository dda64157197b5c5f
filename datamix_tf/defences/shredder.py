"""Noise that is learned for a trained network (Shredder, ASPLOS 2020)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from datamix_tf.defences.adversarial import ADVERSARY_RATE, GAMMA
from datamix_tf.defences.base import NetworkSpec, variant
from datamix_tf.defences.obfuscated_feature import ObfuscatedFeature
from datamix_tf.defences.registry import register
from datamix_tf.defences.stages import Adversary, Stage
from datamix_tf.settings import at_least
from datamix_tf.typing import Array


@register
@dataclasses.dataclass(frozen=True)
class Shredder(ObfuscatedFeature):
    """Laplace noise that is learned to be large and to mislead an adversary (`datamix_tf.layers.LearnedNoise`).

    Reference: Miresghallah et al., Shredder (ASPLOS 2020); Samragh et al. (2021), Eq. 1.
    """

    id = "shredder"
    needs_people = True
    noise_weight: float = variant(
        0.1,
        "weights of the noise's size for shredder, with commas",
        flag="noise_weight",
        values=(0.1,),
        **at_least(0),
    )

    @property
    def label(self) -> str:
        return f"learned noise (Shredder), weight {self.noise_weight:g}, N_pre={self.num_pre_blocks}"

    def layers(self, spec: NetworkSpec, features: Callable[[], Array]) -> tuple[Any, ...]:
        from datamix_tf.layers import LearnedNoise

        return (LearnedNoise(seed=spec.seed, name="noise"),)

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        adversary = Adversary(GAMMA, -self.noise_weight, ADVERSARY_RATE)
        return (Stage(fine_tune_epochs, self.obfuscated, adversary=adversary, frozen=_all_but_noise),)


def _all_but_noise(model: Any) -> list[Any]:
    return [layer for layer in model.layers if layer.name != "noise"]
