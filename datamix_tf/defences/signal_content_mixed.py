"""Signal content in front of DataMix's mixing: two defences, composed."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.defences.base import NetworkSpec
from datamix_tf.defences.datamix import DataMix
from datamix_tf.defences.obfuscated_feature import STRIDED
from datamix_tf.defences.registry import register
from datamix_tf.defences.signal_content import check_rank, rank_setting, removed_late
from datamix_tf.defences.stages import Stage


@register
@dataclasses.dataclass(frozen=True)
class SignalContentMixed(DataMix):
    """Signal content in front of DataMix's mixing: both at once."""

    id = "obfuscated_datamix"
    num_pre_blocks: int = STRIDED
    linear_path: bool = False  # the cloud's first layers must be those whose signal content is sent
    signal_rank: int = rank_setting()

    @property
    def label(self) -> str:
        return f"{super().label}, signal content of rank {self.signal_rank}"

    @property
    def model_name(self) -> str:
        return f"{super().model_name}-rank{self.signal_rank}"

    def check(self, width: int) -> None:
        super().check(width)
        check_rank(self.signal_rank, width)

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        return removed_late(epochs, self._obfuscated)

    def _obfuscated(self, model: Any, spec: NetworkSpec, valid: Any) -> Any:
        import keras

        from datamix_tf.datamix_model import DataMixModel
        from datamix_tf.obfuscation.signal import halves

        content, main, _ = halves(model.main, self.signal_rank)
        pre = keras.Model(model.pre.inputs[0], content(model.pre.outputs[0]), name=model.pre.name)
        return DataMixModel(pre, main, model.post, group_size=self.group_size, seed=spec.seed, name="datamix")
