"""A few numbers that look like noise, mixed: the hardened preset."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.costs import mixing_macs
from datamix_tf.defences.base import NetworkSpec, variant
from datamix_tf.defences.datamix import MixedFeatures, group_size_setting
from datamix_tf.defences.registry import register
from datamix_tf.defences.stages import Stage
from datamix_tf.settings import above, at_least
from datamix_tf.typing import Array

#: Codes look like N(0, I), so mixtures do, in groups of any size: larger groups need no larger batches in training.
TRAINED_GROUP_SIZE = 32
FISHER_INPUTS = 64
CERTIFICATE_SAMPLES = 20_000  # standard error of an AUC below 0.003


def units_setting() -> Any:
    """The setting of all that send the numbers of a bottleneck."""
    return variant(
        64,
        "numbers that bottleneck and unmixed_bottleneck send, with commas",
        flag="bottleneck_units",
        values=(64,),
        **at_least(1),
    )


def bits_setting() -> Any:
    """Likewise."""
    return variant(
        90.0,
        "upper bounds of the information in what bottleneck and unmixed_bottleneck send for an input, with commas",
        flag="bottleneck_bits",
        values=(90.0,),
        **above(0),
    )


@register
@dataclasses.dataclass(frozen=True)
class MixedBottleneck(MixedFeatures):
    """The edge sends numbers through a `GaussianBottleneck` (`datamix_tf.models.bottleneck`), mixed in groups."""

    id = "bottleneck"
    shares_backbone = False
    group_size: int = group_size_setting()
    bottleneck_units: int = units_setting()
    bottleneck_bits: float = bits_setting()

    @property
    def label(self) -> str:
        return (
            f"mixed bottleneck of {self.bottleneck_units} numbers, {self.bottleneck_bits:g} bits, S_G={self.group_size}"
        )

    @property
    def model_name(self) -> str:
        return f"bottleneck{self.bottleneck_units}-bits{self.bottleneck_bits:g}-group{self.group_size}"

    @property
    def packaging(self) -> int:
        return 2

    def build(self, spec: NetworkSpec) -> Any:
        from datamix_tf.datamix_model import DataMixModel
        from datamix_tf.models.bottleneck import bottleneck_parts

        pre, main, post = bottleneck_parts(
            spec.shape,
            spec.classifier_units,
            self.bottleneck_units,
            self.bottleneck_bits,
            width=spec.width,
            hidden_units=spec.hidden_units,
            normalization=spec.normalization(),
            seed=spec.seed,
        )
        parts = (pre, main, spec.read(post))
        return DataMixModel(*parts, group_size=self.trained_group_size, seed=spec.seed, name="bottleneck")

    def mixing(self, sent: int, answered: int) -> int:
        """With drawn covers (`serving.edge.drawn`): G + A (Z - A' G) and A' f(M), of n rows, for each of k inputs."""
        return mixing_macs(2 * sent + answered, self.group_size)

    def details(self, model: Any, x: Array) -> dict[str, float]:
        """Also the AUC that no membership attacker exceeds where covers are drawn, and the Fisher information."""
        from datamix_tf.certificate import certificate
        from datamix_tf.fisher import fisher_leakage

        def auc(view: Any) -> float:
            return certificate(self.bottleneck_units, self.group_size, view=view, samples=CERTIFICATE_SAMPLES).auc

        bounds = (
            {"certificate_single": auc("single"), "certificate_group": auc("linked")} if self.group_size > 1 else {}
        )
        bounds["fisher_leakage"] = float(fisher_leakage(model.pre, x[:FISHER_INPUTS]).mean())
        return super().details(model, x) | bounds

    @property
    def trained_group_size(self) -> int:
        return min(self.group_size, TRAINED_GROUP_SIZE)

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        return (Stage(epochs), Stage(0, change=self._in_whole_groups))

    def _in_whole_groups(self, model: Any, spec: NetworkSpec, valid: Any) -> Any:
        """The trained model in groups of the size that it is used with."""
        from datamix_tf.datamix_model import DataMixModel

        if model.group_size == self.group_size:
            return model
        parts = (model.pre, model.main, model.post)
        return DataMixModel(*parts, group_size=self.group_size, seed=spec.seed, name="bottleneck")
