"""Noise on the raw input (DataMix, ECCV 2020, table 2)."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.defences.base import variant
from datamix_tf.defences.obfuscated_input import ObfuscatedInput
from datamix_tf.defences.registry import register
from datamix_tf.settings import at_least


@register
@dataclasses.dataclass(frozen=True)
class Noise(ObfuscatedInput):
    """Adds Gaussian noise to standardised inputs (`datamix_tf.layers.InputNoise`)."""

    id = "noise"
    variance: float = variant(
        4.0,
        "variances of the method noise, on standardised inputs, with commas",
        flag="noise",
        values=(4.0, 8.0),
        **at_least(0),
    )

    @property
    def label(self) -> str:
        return f"adding noise N(0, {self.variance:g})"

    def layer(self, seed: int | None) -> Any:
        from datamix_tf.layers import InputNoise

        return InputNoise(self.variance, seed=seed)
