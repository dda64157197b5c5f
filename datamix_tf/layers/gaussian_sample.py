"""Features as draws from a learned Gaussian, with the divergence from N(0, 1) as a penalty."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from datamix_tf import replicas
from datamix_tf.typing import Config, Shape, Tensor


@keras.saving.register_keras_serializable(package="datamix_tf")
class GaussianSample(keras.layers.Layer):
    """Takes its input as the mean of a Gaussian and draws from it; the divergence to N(0, 1) becomes a penalty.

    Args:
        weight: Weight of the Kullback-Leibler divergence, in nats, averaged over examples and numbers.
        at_inference: Whether it draws at inference too; else the mean passes.
        seed: Optional int that makes draws repeatable.

    Call arguments:
        inputs: `[batch, ..., channels]`; the variance is learned for each channel.

    Returns:
        A tensor of the inputs' shape.

    Reference: Kingma and Welling, Auto-Encoding Variational Bayes (2013).
    """

    def __init__(self, weight: float, at_inference: bool = False, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight, self.at_inference, self.seed = weight, at_inference, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Shape) -> None:
        self.log_variance = self.add_weight(
            name="log_variance",
            shape=(input_shape[-1],),
            initializer=keras.initializers.Constant(-3.0),
            autocast=False,
        )

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        log_variance = ops.cast(self.log_variance, inputs.dtype)
        if training:
            spread = self.log_variance
            divergence = ops.square(ops.cast(inputs, self.variable_dtype)) + ops.exp(spread) - 1 - spread
            self.add_loss(self.weight * ops.mean(divergence) / 2)
        if not (training or self.at_inference):
            return inputs
        noise = replicas.normal(ops.shape(inputs), dtype=inputs.dtype, seed=self.seed_generator)
        return inputs + ops.exp(log_variance / 2) * noise

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> Config:
        return {**super().get_config(), "weight": self.weight, "at_inference": self.at_inference, "seed": self.seed}
