"""A feature that says little beyond the task (Osia et al., 2018)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from datamix_tf.defences.adversarial import ADVERSARY_RATE, GAMMA, AgainstAdversary
from datamix_tf.defences.base import NetworkSpec, variant
from datamix_tf.defences.registry import register
from datamix_tf.defences.stages import Adversary, Stage
from datamix_tf.settings import at_least
from datamix_tf.typing import Array


@register
@dataclasses.dataclass(frozen=True)
class InformationBottleneck(AgainstAdversary):
    """Features are drawn near their means, with a penalty on what they say, against an adversary.

    `MixedBottleneck` is another defence: it sends few numbers of bounded information, mixed.

    Reference: Osia et al., Deep Private-Feature Extraction (2018); Samragh et al. (2021), Eq. 2.
    """

    id = "information_bottleneck"
    divergence_weight: float = variant(
        0.1,
        "weights of the divergence from N(0, 1) for information_bottleneck, with commas",
        flag="divergence_weight",
        values=(0.1,),
        **at_least(0),
    )

    @property
    def label(self) -> str:
        return f"information bottleneck, weight {self.divergence_weight:g}, N_pre={self.num_pre_blocks}"

    def layers(self, spec: NetworkSpec, features: Callable[[], Array]) -> tuple[Any, ...]:
        from datamix_tf.layers import GaussianSample, Sent

        sample = GaussianSample(self.divergence_weight, at_inference=True, seed=spec.seed, name="sample")
        return (sample, Sent(name="sent"))

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        return (Stage(epochs, adversary=Adversary(GAMMA, learning_rate=ADVERSARY_RATE)),)
