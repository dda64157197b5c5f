"""Clipping and Gaussian noise on the feature, in the manner of differential privacy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from datamix_tf.defences.base import NetworkSpec, variant
from datamix_tf.defences.obfuscated_feature import ObfuscatedFeature
from datamix_tf.defences.registry import register
from datamix_tf.settings import at_least
from datamix_tf.typing import Array


@register
@dataclasses.dataclass(frozen=True)
class ClippedNoise(ObfuscatedFeature):
    """Features are clipped to their median norm, and noise is added (`datamix_tf.layers.GaussianMechanism`)."""

    id = "clipped_noise"
    multiplier: float = variant(
        0.1,
        "noise of clipped_noise on each number, in units of the feature's norm, with commas",
        flag="noise_multiplier",
        values=(0.1,),
        **at_least(0),
    )

    @property
    def label(self) -> str:
        return f"clipping and noise of {self.multiplier:g}, N_pre={self.num_pre_blocks}"

    def layers(self, spec: NetworkSpec, features: Callable[[], Array]) -> tuple[Any, ...]:
        from datamix_tf.layers import GaussianMechanism

        found = features()
        norm = float(np.median(np.linalg.norm(found.reshape(len(found), -1), axis=1)))
        return (GaussianMechanism(norm, self.multiplier, spec.seed, name="noise"),)
