"""Sending only what the server's first layer sees (Samragh et al., 2021)."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.defences.base import Defence, NetworkSpec, variant
from datamix_tf.defences.obfuscated_feature import ObfuscatedFeature
from datamix_tf.defences.registry import register
from datamix_tf.defences.stages import Change, Stage
from datamix_tf.settings import at_least

#: Share of the epochs that are trained with signal content, and of the peak learning rate.
SHARE, RATE = 0.3, 0.3
#: What the cloud's first layers see of a place, in widths of the stem: two by the convolution's outputs and one by the
#: shortcut's, which has as many but sees one place of so many channels.
WIDTHS = 3


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
class SignalContentAlone(ObfuscatedFeature):
    """The edge sends the coefficients of a feature's signal content (`datamix_tf.layers.SignalContent`)."""

    id = "obfuscation"
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
        return spec.network()

    @property
    def starts_from(self) -> Defence | None:
        return None

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        return removed_late(epochs, self.obfuscated)

    def obfuscated(self, network: Any, spec: NetworkSpec, valid: Any) -> Any:
        from datamix_tf.obfuscation.signal import obfuscate

        tensor = network.get_layer(spec.pre_layer(self.num_pre_blocks)).output
        return obfuscate(network, tensor, self.signal_rank)[0]


def removed_late(epochs: int, change: Change) -> tuple[Stage, ...]:
    """A training without signal content, then one with it: it is cut out of a network that has learned where it is."""
    last = max(1, round(SHARE * epochs))
    second = Stage(last, change, RATE, curriculum=False)
    return (Stage(epochs - last), second) if epochs > last else (second,)


def check_rank(rank: int, width: int) -> None:
    """Refuses more coefficients than the cloud's first layers see. Raises ValueError."""
    if rank > WIDTHS * width:
        raise ValueError(f"--signal_rank must be at most {WIDTHS} x --width = {WIDTHS * width}; received {rank}")
