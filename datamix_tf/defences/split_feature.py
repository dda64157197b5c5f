"""No defence: the network is cut, and the feature at the cut is sent as it is."""

from __future__ import annotations

import dataclasses

from datamix_tf.defences.base import Defence
from datamix_tf.defences.obfuscated_feature import ObfuscatedFeature
from datamix_tf.defences.plain import Cloud
from datamix_tf.defences.registry import register
from datamix_tf.defences.removal_trained import RemovalTrained
from datamix_tf.defences.stages import Stage


@register
@dataclasses.dataclass(frozen=True)
class SplitFeature(ObfuscatedFeature):
    """Plain split inference, of the plain network or of one that was trained to stand the removal of signal content."""

    id = "split"
    removal: bool = False
    decov: float = 0.0
    gaussian: float = 0.0

    @property
    def label(self) -> str:
        return f"split, nothing hidden, N_pre={self.num_pre_blocks}"

    @property
    def starts_from(self) -> Defence:
        return RemovalTrained(self.decov, self.gaussian) if self.removal else Cloud()

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        return (Stage(0, self.obfuscated),)
