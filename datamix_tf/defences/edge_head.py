"""What the edge could do alone with the blocks that it runs anyway."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from datamix_tf.defences.base import Costs, Defence, NetworkSpec, variant
from datamix_tf.defences.datamix import blocks_setting
from datamix_tf.defences.plain import on_the_edge
from datamix_tf.defences.registry import register
from datamix_tf.settings import at_least, share

POOL = 2


@register
@dataclasses.dataclass(frozen=True)
class EdgeHead(Defence):
    """M_pre with a small head behind it (average pooling, perhaps a hidden layer, the classifier); nothing is sent.

    What a cloud adds is what a split method has beyond this, at the same N_pre.
    """

    UNITS: ClassVar[tuple[int, ...]] = (0, 256)

    id = "edge_head"
    sends_nothing = True
    edge_alone = True
    leakage = 0.0
    attacked = False
    num_pre_blocks: int = blocks_setting()
    head_units: int = variant(
        256,
        "units of the hidden layer of a head on the edge, 0 for a linear one, or several with commas",
        flag="head_units",
        values=UNITS,
        **at_least(0),
    )
    distill: float = variant(
        0.0,
        "share of the loss with which a head on the edge follows the unmixed network, or several with commas",
        flag="head_distill",
        values=(0.0,),
        **share(),
    )
    absent = {"distill": 0.0}

    @property
    def label(self) -> str:
        head = f"a head of {self.head_units} units" if self.head_units else "a linear head"
        taught = f", distilled {self.distill:g}" if self.distill else ""
        return f"edge alone, N_pre={self.num_pre_blocks} and {head}{taught}"

    @property
    def model_name(self) -> str:
        taught = f"-distill{self.distill:g}" if self.distill else ""
        return f"edge_head-pre{self.num_pre_blocks}-units{self.head_units}{taught}"

    def distill_share(self, asked: float) -> float:
        """Its own; what is asked for is for networks that mix."""
        return self.distill

    def build(self, spec: NetworkSpec) -> Any:
        import keras
        from keras import layers

        network = spec.network(raw_cut=not self.num_pre_blocks)
        x = network.get_layer(spec.pre_layer(self.num_pre_blocks)).output
        x = layers.AveragePooling2D(POOL, name="head_pool")(x) if len(x.shape) == 4 else x
        x = layers.Flatten(name="head_flatten")(x)
        if self.head_units:
            x = layers.Dense(self.head_units, use_bias=False, name="head_dense")(x)
            x = layers.BatchNormalization(momentum=0.9, name="head_bn")(x)
            x = layers.ReLU(name="head_relu")(x)
        classified = layers.Dense(spec.classifier_units, name="head_classifier")(x)
        return spec.read(keras.Model(network.inputs[0], classified, name=self.id))

    def costs(self, model: Any, spec: NetworkSpec) -> Costs:
        return on_the_edge(model)
