"""Defences that change the raw input on the edge; the whole network runs in the cloud."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from datamix_tf.costs import cost_of
from datamix_tf.defences.base import FLOAT_BYTES, Costs, Defence, NetworkSpec


@dataclasses.dataclass(frozen=True)
class ObfuscatedInput(Defence):
    """The base of those: a subclass gives the layer, and how many bytes its output takes."""

    def layer(self, seed: int | None) -> Any:
        """A new `datamix_tf.layers.Obfuscation` that runs on the edge, behind the normalisation."""
        raise NotImplementedError

    def sent_bytes(self, spec: NetworkSpec) -> int:
        """Bytes of one obfuscated input; by default as many numbers as the raw one has, in float32."""
        return FLOAT_BYTES * math.prod(spec.shape)

    def layer_cost(self, layer: Any) -> dict[str, int]:
        """Parameters and multiply-adds of the layer; those without weights count nothing, as in the papers."""
        return {"params": 0, "macs": 0}

    def build(self, spec: NetworkSpec) -> Any:
        return spec.network(self.layer(spec.seed))

    def costs(self, model: Any, spec: NetworkSpec) -> Costs:
        from datamix_tf.transmission import obfuscation_of

        edge = self.layer_cost(obfuscation_of(model))
        return Costs(edge["params"], edge["macs"], self.sent_bytes(spec), cost_of(model)["output_bytes"])
