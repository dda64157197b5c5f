"""Signal content of a network that was trained to stand its removal (Samragh et al., 2021)."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from datamix_tf.defences.base import Defence, NetworkSpec
from datamix_tf.defences.obfuscated_feature import ObfuscatedFeature
from datamix_tf.defences.registry import register
from datamix_tf.defences.removal_trained import RemovalTrained
from datamix_tf.defences.stages import Stage
from datamix_tf.typing import Array

#: Shares of the coefficients to try, for a bound on the accuracy that is lost: each half of the second before.
TRIED = 2.0 ** (-np.arange(0, 20) / 2)


@register
@dataclasses.dataclass(frozen=True)
class SignalContentSent(ObfuscatedFeature):
    """The paper's own way: trained once for all cuts and ranks, then cut, with no training of weights afterwards.

    Batch normalisation behind the cut gets the statistics of what is sent (`datamix_tf.obfuscation.profile.serving`).

    Fields:
        signal_rank: Coefficients kept at each place; 0: all that the cloud's first layers see (distortion-free).
        max_drop: If it is above 0, the fewest coefficients that lose no more validation accuracy.
        decov, gaussian: Of the network that it starts from.
        distortion: If it is above 0, the budget epsilon of Theorem 1 for the output of the cloud's first layers, at
            each place; takes a rank of 0.
        exact: Whether a convolution of the cloud is taken over its whole map instead of over its receptive field.
    """

    id = "signal_content"
    backbones = ("splitnet",)
    signal_rank: int = 0
    max_drop: float = 0.0
    decov: float = 0.01
    gaussian: float = 0.01
    distortion: float = 0.0
    exact: bool = False

    @property
    def label(self) -> str:
        kept = f"rank {self.signal_rank}" if self.signal_rank else "all that is seen"
        kept = f"at most {100 * self.max_drop:g} points lost" if self.max_drop else kept
        kept = f"distortion of at most {self.distortion:g}" if self.distortion else kept
        whole = ", whole maps" if self.exact else ""
        return f"signal content, {kept}{whole}, N_pre={self.num_pre_blocks}"

    @property
    def costs_are_learned(self) -> bool:
        return self.max_drop > 0

    @property
    def starts_from(self) -> Defence:
        return RemovalTrained(self.decov, self.gaussian)

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        return (Stage(0, self.obfuscated),)

    def obfuscated(self, network: Any, spec: NetworkSpec, valid: Any) -> Any:
        from datamix_tf.obfuscation.profile import choose, profile, serving

        tensor, rank = network.get_layer(spec.pre_layer(self.num_pre_blocks)).output, self.signal_rank or None
        x, y = valid()
        if self.max_drop:
            entries = profile(network, {self.num_pre_blocks + 1: tensor}, x, y, list(1 - TRIED))
            rank = choose(entries, float("inf"), self.max_drop).kept
        return serving(network, tensor, rank, x, exact=self.exact, distortion=self.distortion)

    def details(self, model: Any, x: Array) -> dict[str, float]:
        from datamix_tf.transmission import obfuscation_of

        layer: Any = obfuscation_of(model)
        return {"rank_sent": layer.rank}
