"""Raw inputs mixed in pairs, the network trained with mixup (DataMix, ECCV 2020, section 3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from datamix_tf.costs import cost_of, mixing_macs
from datamix_tf.defences.base import FLOAT_BYTES, Costs, Defence, NetworkSpec
from datamix_tf.defences.registry import register


@register
@dataclasses.dataclass(frozen=True)
class Mixup(Defence):
    """The papers' motivating example (`datamix_tf.mixup_model.MixupModel`)."""

    id = "mixup"
    mixes_labels = True

    @property
    def label(self) -> str:
        return "mixup, raw inputs in pairs"

    def build(self, spec: NetworkSpec) -> Any:
        import keras

        from datamix_tf.mixup_model import MixupModel

        network = spec.network(raw_cut=True)
        raw = network.get_layer(spec.pre_layer(0)).output
        pre, cloud = keras.Model(network.inputs[0], raw, name="pre"), keras.Model(raw, network.outputs[0], name="main")
        return MixupModel(pre, cloud, binary=spec.binary, seed=spec.seed, name="mixup")

    def references(self, model: Any) -> dict[str, Callable[..., Any]]:
        return {"unmixed": model.unmixed()}

    def costs(self, model: Any, spec: NetworkSpec) -> Costs:
        edge, up, down = cost_of(model.pre), *(cost_of(part)["output_bytes"] for part in (model.pre, model.main))
        mixing = mixing_macs((up + down) // FLOAT_BYTES, model.group_size)
        return Costs(edge["params"], edge["macs"] + mixing, up, down)
