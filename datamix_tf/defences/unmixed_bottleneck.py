"""The code of the mixed bottleneck, sent as it is: what its mixing has to be compared with."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.defences.base import NetworkSpec, variant
from datamix_tf.defences.bottleneck import bits_setting, units_setting
from datamix_tf.defences.obfuscated_feature import ObfuscatedFeature
from datamix_tf.defences.registry import register
from datamix_tf.defences.stages import Stage

NETWORK, LINEAR = CLOUDS = ("network", "linear")


@register
@dataclasses.dataclass(frozen=True)
class UnmixedBottleneck(ObfuscatedFeature):
    """The edge sends the numbers of a `GaussianBottleneck`, and the cloud runs all that follows.

    Through a relay that hides who asks, this is the plain alternative to mixing: the cloud may be any network. A linear
    cloud is what homomorphic encryption (CKKS) computes at a bearable price: the accuracy is then that of this row,
    and what leaks is what the encryption's hardness assumption leaves.
    """

    id = "unmixed_bottleneck"
    shares_backbone = False
    distilled = True
    num_pre_blocks: int = 0
    bottleneck_units: int = units_setting()
    bottleneck_bits: float = bits_setting()
    cloud: str = variant(
        NETWORK,
        "what the cloud of unmixed_bottleneck runs, or both with a comma: linear is what CKKS can compute",
        flag="bottleneck_cloud",
        values=CLOUDS,
        choices=CLOUDS,
    )

    @property
    def label(self) -> str:
        cloud = "a network" if self.cloud == NETWORK else "a linear map"
        return f"code of {self.bottleneck_units} numbers, {self.bottleneck_bits:g} bits, unmixed, to {cloud}"

    @property
    def model_name(self) -> str:
        return f"unmixed_bottleneck{self.bottleneck_units}-bits{self.bottleneck_bits:g}-{self.cloud}"

    @property
    def starts_from(self) -> None:
        return None

    def build(self, spec: NetworkSpec) -> Any:
        from datamix_tf.models.bottleneck import unmixed_bottleneck

        return unmixed_bottleneck(
            spec.shape,
            spec.outputs,
            self.bottleneck_units,
            self.bottleneck_bits,
            self.cloud == LINEAR,
            width=spec.width,
            hidden_units=spec.hidden_units,
            normalization=spec.normalization(),
            seed=spec.seed,
        )

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        return (Stage(epochs),)
