"""Blurred raw inputs (DataMix, ECCV 2020, table 2)."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.defences.base import NetworkSpec, variant
from datamix_tf.defences.obfuscated_input import ObfuscatedInput
from datamix_tf.defences.registry import register
from datamix_tf.settings import at_least


@register
@dataclasses.dataclass(frozen=True)
class BlurredInput(ObfuscatedInput):
    """Scales pictures down and up again (`datamix_tf.layers.Blur`); the few pixels are sent, a byte each."""

    id = "blur"
    size: int = variant(
        16,
        "rows and columns that the method blur leaves, with commas",
        flag="blur",
        values=(16, 8),
        **at_least(1),
    )

    @property
    def label(self) -> str:
        return f"blurring to {self.size:g} x {self.size:g}"

    def layer(self, seed: int | None) -> Any:
        from datamix_tf.layers import Blur

        return Blur(int(self.size))

    def sent_bytes(self, spec: NetworkSpec) -> int:
        return int(self.size) ** 2 * spec.shape[-1]
