"""What a defence's network is built for."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.models.backbones import BACKBONES, Backbone


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    """What a network is built for.

    Attributes:
        shape: Of one raw input, `(height, width, channels)`.
        outputs: Number of logits.
        binary: Whether they are of several independent 0/1 labels.
        item_bytes: Bytes of one number of a raw input as it is stored.
        mean: Of the train split's raw inputs, one number a channel.
        variance: Likewise.
        width: Filters of the stem; 64 is ResNet-18.
        hidden_units: Units of a hidden layer in front of the classifier; 0 for none.
        standardize: Whether a batch normalisation without scale and offset stands in front of a mixing.
        seed: Seed of what the network draws.
        backbone: The network, one of `datamix_tf.models.backbones.BACKBONES`.
        attribute_logits: Logits that the classifier has for each binary label: 1, or 2 as in the papers
            (`datamix_tf.layers.PairedLogits` makes one of them).
        own: The backbone itself if it is a user's own model.
    """

    shape: tuple[int, ...]
    outputs: int
    binary: bool
    item_bytes: int
    mean: tuple[float, ...]
    variance: tuple[float, ...]
    width: int = 64
    hidden_units: int = 0
    standardize: bool = True
    seed: int | None = None
    backbone: str = "resnet18"
    attribute_logits: int = 1
    own: Backbone | None = None

    @property
    def classifier_units(self) -> int:
        """Units of the classifier, in front of `read`."""
        return self.outputs * self.attribute_logits if self.binary else self.outputs

    def read(self, model: Any) -> Any:
        """A functional model that ends with a classifier of `classifier_units`, with one logit for each output."""
        import keras

        from datamix_tf.layers import PairedLogits

        if self.classifier_units == self.outputs:
            return model
        return keras.Model(model.inputs[0], PairedLogits(name="paired")(model.outputs[0]), name=model.name)

    def normalization(self) -> Any:
        """A new layer that standardises raw inputs with the train split's statistics."""
        import keras

        return keras.layers.Normalization(mean=list(self.mean), variance=list(self.variance), name="normalization")

    def network(self, obfuscation: Any = None, raw_cut: bool = False) -> Any:
        """The backbone's network before this training.

        Args:
            obfuscation: Optional `Obfuscation` behind the normalisation.
            raw_cut: Whether it will be cut behind the normalisation (N_pre = 0), which a user's model has only then.
        """
        backbone, more = self._backbone, {"raw_cut": raw_cut} if self.own else {}
        return self.read(
            backbone.build(
                self.shape,
                self.classifier_units,
                width=self.width,
                hidden_units=self.hidden_units,
                normalization=self.normalization(),
                obfuscation=obfuscation,
                **more,
            )
        )

    def pre_layer(self, num_pre_blocks: int) -> str:
        """The name of the last layer on the edge for so many blocks there (N_pre).

        Raises:
            ValueError: If the backbone cannot be cut there.
        """
        names = self._backbone.pre_layers()
        if not 0 <= num_pre_blocks < len(names):
            raise ValueError(f"{self.backbone} has N_pre from 0 to {len(names) - 1}. Received: {num_pre_blocks}")
        return names[num_pre_blocks]

    def post_layer(self, network: Any) -> str:
        """The name of M_post's first layer."""
        return self._backbone.post_layer(network)

    @property
    def _backbone(self) -> Backbone:
        return self.own or BACKBONES[self.backbone]
