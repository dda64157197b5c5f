"""Sending only what the server's first layer sees (Samragh et al., 2021)."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from datamix_tf.costs import cost_of
from datamix_tf.defences.base import FLOAT_BYTES, Costs, Defence, NetworkSpec, variant
from datamix_tf.defences.registry import register
from datamix_tf.settings import at_least

#: N_pre behind which the cloud's ResNet starts with strides: no shortcut then shows it all of the feature.
STRIDED = 3
#: The cloud's first layers, a convolution and a shortcut's, have so many outputs together, in widths of the stem.
WIDTHS = 4


def rank_setting() -> Any:
    """The setting of this defence, and of that which mixes behind it."""
    return variant(
        32,
        "coefficients for each place that obfuscation and obfuscated_datamix send (N_pre = 3), with commas",
        flag="signal_rank",
        values=(32,),
        **at_least(1),
    )


@register
@dataclasses.dataclass(frozen=True)
class SignalContentAlone(Defence):
    """The edge sends the coefficients of a feature's signal content (`datamix_tf.layers.SignalContent`)."""

    id = "obfuscation"
    num_pre_blocks: int = STRIDED
    signal_rank: int = rank_setting()

    @property
    def label(self) -> str:
        return f"signal content of rank {self.signal_rank}, N_pre={self.num_pre_blocks}"

    @property
    def model_name(self) -> str:
        return f"obfuscation-pre{self.num_pre_blocks}-rank{self.signal_rank}"

    def check(self, width: int) -> None:
        super().check(width)
        check_rank(self.signal_rank, width)

    def build(self, spec: NetworkSpec) -> Any:
        return spec.resnet18()

    def remove_signal(self, model: Any, spec: NetworkSpec) -> Any:
        from datamix_tf.models.resnet import pre_layer
        from datamix_tf.obfuscation.signal import obfuscate

        return obfuscate(model, model.get_layer(pre_layer(self.num_pre_blocks)).output, self.signal_rank)[0]

    def costs(self, model: Any, spec: NetworkSpec) -> Costs:
        import keras

        from datamix_tf.transmission import obfuscation_of

        layer: Any = obfuscation_of(model)
        edge = cost_of(keras.Model(model.inputs[0], layer.output))
        up = FLOAT_BYTES * math.prod((*layer.places, layer.rank))
        return Costs(edge["params"], edge["macs"], up, cost_of(model)["output_bytes"])


def check_rank(rank: int, width: int) -> None:
    """Refuses more coefficients than the cloud's first layers see. Raises ValueError."""
    if rank > WIDTHS * width:
        raise ValueError(f"--signal_rank must be at most {WIDTHS} x --width = {WIDTHS * width}; received {rank}")
