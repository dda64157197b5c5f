"""Sending only the channels that weigh most in what follows (Li et al., 2017): an unsupervised baseline."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.defences.base import Costs, NetworkSpec, variant
from datamix_tf.defences.obfuscated_feature import ObfuscatedFeature
from datamix_tf.defences.registry import register
from datamix_tf.settings import at_least


@register
@dataclasses.dataclass(frozen=True)
class Pruning(ObfuscatedFeature):
    """All but some channels of the feature are zero (`datamix_tf.obfuscation.pruning`)."""

    id = "pruning"
    channels: int = variant(
        16,
        "channels that pruning sends, with commas",
        flag="pruned_channels",
        values=(16,),
        **at_least(1),
    )

    @property
    def label(self) -> str:
        return f"pruned to {self.channels} channels, N_pre={self.num_pre_blocks}"

    def obfuscated(self, network: Any, spec: NetworkSpec, valid: Any) -> Any:
        from datamix_tf.obfuscation.pruning import prune

        return prune(network, network.get_layer(spec.pre_layer(self.num_pre_blocks)).output, self.channels)

    def costs(self, model: Any, spec: NetworkSpec) -> Costs:
        from datamix_tf.transmission import obfuscation_of

        found, layer = super().costs(model, spec), obfuscation_of(model)
        channels = layer.output.shape[-1]  # type: ignore[union-attr]
        return dataclasses.replace(found, bytes_up=int(found.bytes_up * self.channels / channels))
