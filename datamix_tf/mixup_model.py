"""The motivating example as a baseline: a classifier trained with mixup that answers for mixed raw inputs."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from datamix_tf.groups import complete_groups, to_groups
from datamix_tf.layers import ConvexKeys, Mix
from datamix_tf.mixing_model import MixingModel
from datamix_tf.typing import Config, Shape, Tensor


@keras.saving.register_keras_serializable(package="datamix_tf")
class MixupModel(MixingModel):
    """Runs a mixup-trained classifier on mixtures of pairs of raw inputs and solves for both predictions.

    The edge standardises and mixes pairs with random convex coefficients (`ConvexKeys`), the cloud answers with
    probabilities, the edge solves the 2 x 2 system. Train it with mixup: in training the network is applied to what
    comes in, which the data pipeline has mixed.

    Args:
        pre: The edge's part in front of the mixing, usually a normalisation alone: `[batch, ...] -> [batch, ...]`.
        main: The cloud's part: logits.
        binary: Whether the logits are of several independent binary labels (sigmoid) or of classes (softmax).
        seed: Optional int that makes the keys repeatable. Not saved.

    Call arguments:
        inputs: What `pre` takes, `[batch, ...]`.
        training: As in Keras.

    Returns:
        Logits. After de-mixing they are those of the solved probabilities, clipped to `[1e-4, 1 - 1e-4]`: a solution
        need not lie between 0 and 1.

    Reference: DataMix (ECCV 2020), section 3.
    """

    PARTS = ("pre", "main")
    classifies_in_cloud = True

    def __init__(
        self, pre: keras.Model, main: keras.Model, binary: bool, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pre, self.main, self.binary = pre, main, binary
        self.group_size = 2
        self.keys, self.mix = ConvexKeys(seed=seed, name="keys"), Mix(name="mix")
        self.built = True

    def new_keys(self, seed: int | None = None) -> ConvexKeys:
        return ConvexKeys(seed=seed)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        features = self.pre(inputs, training=training)
        if training:
            return self.main(features, training=True)
        whole = complete_groups(features, self.group_size, seed=self.keys.seed_generator)
        keys = self.keys(whole)
        logits = self.main(self.mix(whole, keys), training=False)
        answers = ops.sigmoid(logits) if self.binary else ops.softmax(logits)
        solved = ops.reshape(ops.solve(keys, to_groups(answers, self.group_size)), (-1, answers.shape[-1]))
        solved = ops.clip(solved[: ops.shape(features)[0]], 1e-4, 1 - 1e-4)
        return ops.log(solved) - (ops.log(1 - solved) if self.binary else 0.0)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.main.output_shape[1:])

    def unmixed(self) -> keras.Model:
        """Returns the same network (shared weights) without mixing."""
        inputs = keras.Input(self.pre.input_shape[1:], dtype=self.pre.inputs[0].dtype)
        return keras.Model(inputs, self.main(self.pre(inputs)), name=f"{self.name}_unmixed")

    def get_config(self) -> Config:
        return {**super().get_config(), "binary": self.binary}
