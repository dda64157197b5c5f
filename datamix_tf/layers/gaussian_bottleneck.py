"""A bottleneck that says a stated number of bits about its input, in numbers that look like white Gaussian noise."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from datamix_tf import replicas
from datamix_tf.typing import Config, Shape, Tensor


@keras.saving.register_keras_serializable(package="datamix_tf")
class GaussianBottleneck(keras.layers.Layer):
    """Sends features through `units` Gaussian channels of limited power that carry `bits` together.

    A dense projection is standardised (batch statistics in training, moving ones at inference) to a variance of
    `1 - s^2`, and noise of variance `s^2` is added, `s = 2^(-bits / units)`, at inference too. What is sent has
    mean 0 and variance 1. The mean over inputs of the divergence of its conditional distribution from N(0, I) is
    `-units log2(s) = bits` (as long as the statistics hold), an upper bound of the mutual information between an input
    and what is sent of it, in bits. A penalty makes the aggregate white: rows that are white and Gaussian look the
    same under every rotation, so that mixtures do not betray their key.

    White noise is still white noise after an orthogonal mixing: an edge may mix first and add it to the mixtures
    (`noisy=False`, `stddev`), from a generator of its own.

    Args:
        units: Numbers that are sent for each input.
        bits: Upper bound of the information in them, above 0.
        decorrelation: Weight of the mean squared correlation between different numbers, over a batch.
        momentum: Of the moving statistics.
        noisy: Whether the noise is added.
        clipped: Whether codes that are longer than `sqrt(units)`, noise included, are shortened to it: then what a
            group of covers hides has a bound that holds for every input (`datamix_tf.certificate`).
        seed: Optional int that makes the noise repeatable.

    Call arguments:
        inputs: `[batch, ...]`, flattened.
        training: As in Keras.

    Output shape:
        `(batch, units)`.

    Raises:
        ValueError: If `units` is below 1 or `bits` not above 0.

    Reference: Tishby et al., The information bottleneck method (1999); Cover and Thomas, Elements of Information
    Theory, the Gaussian channel.
    """

    def __init__(
        self,
        units: int,
        bits: float,
        decorrelation: float = 0.1,
        momentum: float = 0.95,
        noisy: bool = True,
        clipped: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if units < 1 or not bits > 0:
            raise ValueError(f"Expected units of at least 1 and bits above 0. Received: {units=}, {bits=}")
        self.units, self.bits, self.decorrelation = int(units), float(bits), float(decorrelation)
        self.momentum, self.noisy, self.clipped, self.seed = momentum, noisy, clipped, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    @property
    def stddev(self) -> float:
        """Standard deviation of the noise."""
        return 2 ** (-self.bits / self.units)

    @property
    def macs_per_output_value(self) -> int:
        """Multiply-adds for each number that is sent: the projection's, as the standardisation counts nothing."""
        return self.kernel.shape[0]

    def build(self, input_shape: tuple[int, ...]) -> None:
        numbers = math.prod(input_shape[1:])
        self.kernel = self.add_weight(name="kernel", shape=(numbers, self.units), initializer="glorot_uniform")
        moving = {"shape": (self.units,), "trainable": False, "autocast": False}
        self.mean = self.add_weight(name="mean", initializer="zeros", **moving)
        self.variance = self.add_weight(name="variance", initializer="ones", **moving)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        projected = ops.matmul(ops.reshape(inputs, (-1, self.kernel.shape[0])), ops.cast(self.kernel, inputs.dtype))
        projected = ops.cast(projected, self.variable_dtype)  # statistics are not for lower precision
        if training:
            mean = replicas.mean(ops.mean(projected, 0))
            variance = replicas.mean(ops.mean(ops.square(projected - mean), 0))
            for moving, now in ((self.mean, mean), (self.variance, variance)):
                moving.assign(self.momentum * moving + (1 - self.momentum) * ops.cast(now, moving.dtype))
        else:
            mean, variance = self.mean.value, self.variance.value
        standard = (projected - mean) / ops.sqrt(variance + 1e-5)
        if training and self.decorrelation:
            rows = ops.cast(ops.shape(standard)[0], standard.dtype)
            correlation = replicas.mean(ops.matmul(ops.transpose(standard), standard) / rows)
            others = 1 - ops.eye(self.units, dtype=standard.dtype)
            self.add_loss(self.decorrelation * ops.mean(ops.square(correlation * others)))
        signal = math.sqrt(1 - self.stddev**2) * standard
        if not self.noisy:
            return ops.cast(signal, self.compute_dtype)
        noise = replicas.normal(ops.shape(signal), dtype=signal.dtype, seed=self.seed_generator)
        return ops.cast(self._shortened(signal + self.stddev * noise), self.compute_dtype)

    def _shortened(self, codes: Tensor) -> Tensor:
        if not self.clipped:
            return codes
        length = ops.sqrt(ops.sum(ops.square(codes), -1, keepdims=True))
        return codes * ops.minimum(1.0, math.sqrt(self.units) / ops.maximum(length, 1e-6))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.units)

    def get_config(self) -> Config:
        names = ("units", "bits", "decorrelation", "momentum", "noisy", "clipped", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def looks_like_noise(model: keras.Model) -> bool:
    """Whether what a model gives are standard normal numbers, none too long: covers for it need not be collected."""
    last = model.layers[-1]
    return isinstance(last, GaussianBottleneck) and last.noisy and last.clipped


def without_noise(model: keras.Model) -> tuple[keras.Model, float]:
    """A copy of a functional model whose bottlenecks add no noise, and the noise's standard deviation.

    What clips behind the noise is left to whoever adds it, too.

    Returns:
        `(model, stddev)`: the model itself and 0 if it has no `GaussianBottleneck`. Noise of that deviation on each of
        the outputs makes the original.

    Raises:
        ValueError: If the model has several bottlenecks, or one that is not its last layer.
    """
    found = [layer for layer in model.layers if isinstance(layer, GaussianBottleneck) and layer.noisy]
    if not found:
        return model, 0.0
    if len(found) > 1 or model.layers[-1] is not found[0]:
        raise ValueError(f"Expected one GaussianBottleneck, as the last layer. Received: {model.name!r}")

    def quiet(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        return type(layer).from_config({**config, "noisy": False} if layer is found[0] else config)

    copy = keras.models.clone_model(model, clone_function=quiet)
    # The noise's generator has no place in the copy; all other weights have.
    for old, new in zip(model.layers, copy.layers, strict=True):
        for source, target in zip(old.weights, new.weights, strict=True):
            target.assign(source)
    return copy, found[0].stddev
