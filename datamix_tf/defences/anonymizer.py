"""A network that changes faces so that people are not recognised (DataMix, ECCV 2020, table 2)."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.costs import cost_of
from datamix_tf.defences.base import variant
from datamix_tf.defences.obfuscated_input import ObfuscatedInput
from datamix_tf.defences.registry import register
from datamix_tf.defences.stages import Adversary, Stage
from datamix_tf.settings import at_least


@register
@dataclasses.dataclass(frozen=True)
class Anonymizer(ObfuscatedInput):
    """A generator on the edge, trained against one who recognises people (`datamix_tf.layers.FaceAnonymizer`)."""

    id = "anonymizer"
    needs_people = True
    generator_width: int = variant(
        64,
        "widths of the method anonymizer's generator, with commas",
        flag="anonymizer",
        values=(64,),
        **at_least(1),
    )

    @property
    def label(self) -> str:
        return f"face anonymizer, width {self.generator_width:g}"

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        return (Stage(epochs, adversary=Adversary(distance_weight=1.0)),)

    def layer(self, seed: int | None) -> Any:
        from datamix_tf.layers import FaceAnonymizer

        return FaceAnonymizer(width=int(self.generator_width), name="anonymizer")

    def layer_cost(self, layer: Any) -> dict[str, int]:
        return cost_of(layer.generator)
