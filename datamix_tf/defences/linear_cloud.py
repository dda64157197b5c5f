"""A cloud that runs one linear map: all that mixing with a row-wise network passes exactly."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.defences.base import NetworkSpec
from datamix_tf.defences.datamix import MixedFeatures, blocks_setting, group_size_setting, standardized
from datamix_tf.defences.registry import register


@register
@dataclasses.dataclass(frozen=True)
class LinearCloud(MixedFeatures):
    """DataMix's edge with a linear map for M_main: what the rest of the cloud's network is worth is beyond this."""

    id = "linear_cloud"
    num_pre_blocks: int = blocks_setting()
    group_size: int = group_size_setting()

    @property
    def label(self) -> str:
        return f"mixed, linear cloud, N_pre={self.num_pre_blocks}, S_G={self.group_size}"

    @property
    def model_name(self) -> str:
        return f"linear_cloud-pre{self.num_pre_blocks}-group{self.group_size}"

    def build(self, spec: NetworkSpec) -> Any:
        from datamix_tf.datamix_model import DataMixModel
        from datamix_tf.linear_path import linear_map
        from datamix_tf.split import split

        network = spec.network(raw_cut=not self.num_pre_blocks)
        pre, main, post = split(network, after=spec.pre_layer(self.num_pre_blocks), before=spec.post_layer(network))
        pre = standardized(pre, spec, self.num_pre_blocks)
        main = linear_map(main.input_shape[1:], main.output_shape[1:])
        return DataMixModel(pre, main, post, group_size=self.group_size, seed=spec.seed, name="datamix")
