"""A network that was trained to stand the removal of signal content (Samragh et al., 2021, section 4.3)."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.defences.base import NetworkSpec
from datamix_tf.defences.plain import Cloud
from datamix_tf.defences.registry import register
from datamix_tf.defences.stages import Stage
from datamix_tf.models.backbones import BACKBONES


@register
@dataclasses.dataclass(frozen=True)
class RemovalTrained(Cloud):
    """All in the cloud, like the plain network; `SignalContentSent` starts from it."""

    id = "removal_trained"
    backbones = ("splitnet",)  # a single linear layer must follow each cut
    decov: float = 0.01
    gaussian: float = 0.01

    @property
    def label(self) -> str:
        return "all in the cloud, trained to stand the removal of signal content"

    @property
    def model_name(self) -> str:
        return f"removal-{self.decov:g}-{self.gaussian:g}"

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        return (Stage(epochs, wrapped=self._training),)

    def _training(self, model: Any, spec: NetworkSpec, steps: int) -> Any:
        from datamix_tf.training.signal_training import SignalTraining

        cuts = BACKBONES[spec.backbone].pre_layers()  # the raw input, normalised, is the paper's split layer 1
        every = max(1, steps // len(cuts))
        return SignalTraining(model, cuts, decov=self.decov, gaussian=self.gaussian, every=every, seed=spec.seed)
