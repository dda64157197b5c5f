"""Obfuscations of a feature at the cut: what signal content is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from datamix_tf import replicas
from datamix_tf.layers.obfuscation import Obfuscation
from datamix_tf.typing import Config, Shape, Tensor


@keras.saving.register_keras_serializable(package="datamix_tf")
class Sent(Obfuscation):
    """Passes its input on: marks the feature that is sent as it is, for `datamix_tf.transmission`."""

    def call(self, inputs: Tensor) -> Tensor:
        return inputs


@keras.saving.register_keras_serializable(package="datamix_tf")
class FeatureMask(Obfuscation):
    """Pruning: sets all but some channels of a feature (numbers, if it is a vector) to zero.

    Args:
        channels: Number of channels; the last axis.

    Attributes:
        mask: Weight `[channels]` of ones and zeros; all ones when made. `prune_by_norm` sets it.

    Call arguments:
        inputs: `[batch, ..., channels]`.

    Returns:
        A tensor of the inputs' shape.

    Reference: Samragh et al. (2021), section 5.2, "Comparison to pruning".
    """

    def __init__(self, channels: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.mask = self.add_weight(name="mask", shape=(channels,), initializer="ones", trainable=False)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        return inputs * ops.cast(self.mask, inputs.dtype)

    def get_config(self) -> Config:
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable(package="datamix_tf")
class GaussianMechanism(Obfuscation):
    """Noise in the manner of differential privacy: scales a feature to at most a norm, adds Gaussian noise.

    Args:
        norm: Largest Euclidean norm of an example's feature.
        multiplier: Standard deviation of the noise on each number, in units of `norm`. (Two features differ by at most
            2 `norm`: one release is (eps, delta)-private for multiplier = 2 sqrt(2 ln(1.25 / delta)) / eps, eps < 1.)
        seed: Optional int that makes the noise repeatable.

    Call arguments:
        inputs: `[batch, ...]`, floating point.

    Returns:
        A tensor of the inputs' shape.

    Raises:
        ValueError: If `norm` is not positive or `multiplier` is negative.

    Reference: Dwork and Roth, The Algorithmic Foundations of Differential Privacy (2014), theorem A.1.
    """

    def __init__(self, norm: float, multiplier: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if norm <= 0 or multiplier < 0:
            raise ValueError(f"Expected `norm` above 0, `multiplier` at least 0. Received: {norm=}, {multiplier=}")
        self.norm, self.multiplier, self.seed = norm, multiplier, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Tensor) -> Tensor:
        axes = tuple(range(1, len(inputs.shape)))
        length = ops.sqrt(ops.sum(ops.square(inputs), axis=axes, keepdims=True) + keras.config.epsilon())
        clipped = inputs * ops.minimum(1.0, self.norm / length)
        noise = replicas.normal(ops.shape(inputs), dtype=inputs.dtype, seed=self.seed_generator)
        return clipped + self.norm * self.multiplier * noise

    def get_config(self) -> Config:
        return {**super().get_config(), "norm": self.norm, "multiplier": self.multiplier, "seed": self.seed}


@keras.saving.register_keras_serializable(package="datamix_tf")
class LearnedNoise(Obfuscation):
    """Shredder: adds Laplace noise whose location and scale are learned for every number of the feature.

    Args:
        scale: Scale of the noise at the start.
        seed: Optional int that makes the noise repeatable.

    Call arguments:
        inputs: `[batch, ...]`, floating point; fresh noise at every call.

    Returns:
        A tensor of the inputs' shape.

    Reference: Miresghallah et al., Shredder (ASPLOS 2020); Samragh et al. (2021), Eq. 1.
    """

    def __init__(self, scale: float = 1.0, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.seed = scale, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Shape) -> None:
        shape, start = tuple(input_shape[1:]), keras.initializers.Constant(float(ops.log(self.scale)))
        self.location = self.add_weight(name="location", shape=shape, initializer="zeros")
        self.log_scale = self.add_weight(name="log_scale", shape=shape, initializer=start)

    def call(self, inputs: Tensor) -> Tensor:
        shape, seed = ops.shape(inputs), self.seed_generator
        draws = replicas.uniform(shape, minval=-0.5, maxval=0.5, dtype="float32", seed=seed)
        laplace = -ops.sign(draws) * ops.log1p(-2 * ops.minimum(ops.abs(draws), 0.499999))
        location, log_scale = (ops.cast(weight, inputs.dtype) for weight in (self.location, self.log_scale))
        return inputs + location + ops.exp(log_scale) * ops.cast(laplace, inputs.dtype)

    def get_config(self) -> Config:
        return {**super().get_config(), "scale": self.scale, "seed": self.seed}
