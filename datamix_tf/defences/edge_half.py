"""What the edge of the mixed bottleneck could do alone."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.defences.base import Costs, Defence, NetworkSpec
from datamix_tf.defences.plain import on_the_edge
from datamix_tf.defences.registry import register


@register
@dataclasses.dataclass(frozen=True)
class EdgeHalf(Defence):
    """The encoder of the bottleneck with a classifier behind it; nothing is sent."""

    id = "edge_half"
    shares_backbone = False
    sends_nothing = True
    edge_alone = True
    distilled = True
    leakage = 0.0
    attacked = False

    @property
    def label(self) -> str:
        return "the bottleneck's edge alone"

    def build(self, spec: NetworkSpec) -> Any:
        from datamix_tf.models.bottleneck import edge_half

        made = edge_half(spec.shape, spec.classifier_units, spec.width, spec.hidden_units, spec.normalization())
        return spec.read(made)

    def costs(self, model: Any, spec: NetworkSpec) -> Costs:
        return on_the_edge(model)
