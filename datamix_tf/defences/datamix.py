"""Features mixed in groups with secret orthogonal keys (DataMix, ECCV 2020; FaceMix, CVPRW 2020)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from datamix_tf.costs import cost_of, mixing_macs
from datamix_tf.defences.base import FLOAT_BYTES, Costs, Defence, NetworkSpec, variant
from datamix_tf.defences.registry import register
from datamix_tf.settings import at_least
from datamix_tf.typing import Array, Tensor

BLOCKS = (0, 1, 2, 3)
LINEAR_SHARE_INPUTS = 256


@dataclasses.dataclass(frozen=True)
class MixedFeatures(Defence):
    """The base of defences whose network is a `DataMixModel`."""

    mixes = True
    distilled = True

    def references(self, model: Any) -> dict[str, Callable[..., Any]]:
        return {"unmixed": model.unmixed(), "wrong_key": wrong_key(model)}

    def details(self, model: Any, x: Array) -> dict[str, float]:
        from datamix_tf.linear_share import linear_share

        x = x[:LINEAR_SHARE_INPUTS]
        return {"linear_share": linear_share(model, x)} if model.orthogonal and 1 < self.group_size <= len(x) else {}

    def costs(self, model: Any, spec: NetworkSpec) -> Costs:
        pre, main, post = (cost_of(part) for part in (model.pre, model.main, model.post))
        sent, answered = (part["output_bytes"] // FLOAT_BYTES for part in (pre, main))
        edge = pre["macs"] + self.mixing(sent, answered) + post["macs"]
        return Costs(pre["params"] + post["params"], edge, pre["output_bytes"], main["output_bytes"])

    def mixing(self, sent: int, answered: int) -> int:
        """Multiply-adds of mixing and de-mixing for one input, of so many numbers that are sent and answered."""
        return mixing_macs(sent + answered, self.group_size)


def blocks_setting() -> Any:
    """The setting of all that are cut behind some blocks."""
    return variant(
        1,
        "blocks on the edge (N_pre): 1, 2, 3, 0 to mix raw inputs, or several with commas; the first is packaged",
        flag="num_pre_blocks",
        values=(1,),
        choices=BLOCKS,
    )


def group_size_setting() -> Any:
    """The setting of all that mix in groups."""
    return variant(
        8,
        "inputs mixed with each other (S_G), from 1",
        flag="group_size",
        values=8,
        **at_least(1),
    )


@register
@dataclasses.dataclass(frozen=True)
class DataMix(MixedFeatures):
    """ResNet-18 cut into three, trained through the mixing of what crosses the first cut."""

    id = "datamix"
    num_pre_blocks: int = blocks_setting()
    group_size: int = group_size_setting()
    linear_path: bool = variant(
        True,
        "a linear path beside the cloud's network, which mixing passes unchanged; the papers have none",
        flag="linear_path",
        values=True,
        choices=(True, False),
    )
    absent = {"linear_path": False}

    @property
    def label(self) -> str:
        path = " with a linear path" if self.linear_path else ""
        return f"DataMix{path}, N_pre={self.num_pre_blocks}, S_G={self.group_size}"

    @property
    def model_name(self) -> str:
        path = "-linear" if self.linear_path else ""
        return f"datamix-pre{self.num_pre_blocks}-group{self.group_size}{path}"

    @property
    def packaging(self) -> int:
        return int(self.num_pre_blocks > 0 and self.group_size > 1)

    def build(self, spec: NetworkSpec) -> Any:
        from datamix_tf.datamix_model import DataMixModel
        from datamix_tf.linear_path import with_linear_path
        from datamix_tf.split import split

        network = spec.network(raw_cut=not self.num_pre_blocks)
        pre, main, post = split(network, after=spec.pre_layer(self.num_pre_blocks), before=spec.post_layer(network))
        main = with_linear_path(main) if self.linear_path else main
        pre = standardized(pre, spec, self.num_pre_blocks)
        return DataMixModel(pre, main, post, group_size=self.group_size, seed=spec.seed, name="datamix")


def standardized(pre: Any, spec: NetworkSpec, num_pre_blocks: int) -> Any:
    """M_pre with a batch normalisation without scale and offset behind it, if the spec wants one."""
    import keras

    if not spec.standardize or not num_pre_blocks:
        return pre
    standardize = keras.layers.BatchNormalization(center=False, scale=False, momentum=0.9, name="standardize")
    return keras.Model(pre.inputs[0], standardize(pre.outputs[0]), name=pre.name)


def wrong_key(model: Any) -> Callable[..., Any]:
    """A function like a `DataMixModel` that de-mixes with other keys than it mixed with."""
    from datamix_tf.groups import complete_groups

    def predict(x: Tensor, training: bool = False) -> Tensor:
        features = complete_groups(model.pre(x, training=False), model.group_size)
        answers = model.main(model.mix(features, model.keys(features)), training=False)
        demixed = model.demix(answers, model.keys(features), model.zero_answer(features))
        return model.post(demixed, training=False)[: len(x)]

    return predict
