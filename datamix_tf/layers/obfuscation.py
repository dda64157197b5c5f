"""Hand-crafted obfuscations of the raw input: the baselines of the DataMix and FaceMix tables."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from datamix_tf import replicas
from datamix_tf.typing import Config, Shape, Tensor


class Obfuscation(keras.layers.Layer):
    """A layer that runs on the edge and whose output is what the cloud receives.

    `datamix_tf.transmission` cuts models behind it. Subclasses obfuscate in training and at inference alike.
    """

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


@keras.saving.register_keras_serializable(package="datamix_tf")
class InputNoise(Obfuscation):
    """Adds Gaussian noise N(0, variance), fresh for every number at every call.

    The papers write N(0, 4) and N(0, 8) and say neither on which scale nor whether 4 is the variance. Here it is the
    variance, on inputs that were standardised before (mean 0, variance 1), which gives pictures as noisy as those in
    their figures.

    Args:
        variance: Variance of the noise, at least 0.
        seed: Optional int that makes the noise repeatable.

    Call arguments:
        inputs: `[batch, ...]`, floating point.

    Returns:
        A tensor of the inputs' shape and dtype.

    Raises:
        ValueError: If `variance` is negative.

    Reference: DataMix (ECCV 2020), table 2, rows "Adding Noise".
    """

    def __init__(self, variance: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if variance < 0:
            raise ValueError(f"`variance` must be at least 0. Received: {variance}")
        self.variance, self.seed = variance, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Tensor) -> Tensor:
        noise = replicas.normal(ops.shape(inputs), dtype=inputs.dtype, seed=self.seed_generator)
        return inputs + self.variance**0.5 * noise

    def get_config(self) -> Config:
        return {**super().get_config(), "variance": self.variance, "seed": self.seed}


@keras.saving.register_keras_serializable(package="datamix_tf")
class Blur(Obfuscation):
    """Blurs pictures: scales them down to `size` x `size` with anti-aliasing and up again, both bilinearly.

    It commutes with a standardisation of whole channels, so it may stand in front of or behind one.

    Args:
        size: Rows and columns that remain, at least 1.

    Call arguments:
        inputs: `[batch, height, width, channels]`, floating point.

    Returns:
        A tensor of the inputs' shape and dtype.

    Raises:
        ValueError: If `size` is below 1.

    Reference: DataMix (ECCV 2020), table 2, rows "Blurring".
    """

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if size < 1:
            raise ValueError(f"`size` must be at least 1. Received: {size}")
        self.size = size

    def call(self, inputs: Tensor) -> Tensor:
        height, width = inputs.shape[1:3]
        small = ops.image.resize(
            inputs, (self.size, self.size), "bilinear", antialias=True, data_format="channels_last"
        )
        large = ops.image.resize(small, (height, width), "bilinear", data_format="channels_last")
        return ops.cast(large, inputs.dtype)

    def get_config(self) -> Config:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="datamix_tf")
class GaussianBlur(Obfuscation):
    """Blurs pictures with a Gaussian filter; borders are mirrored.

    Args:
        sigma: Standard deviation of the filter, in pixels, above 0.
        size: Rows and columns of the filter, odd; default: three standard deviations to both sides.

    Call arguments:
        inputs: `[batch, height, width, channels]`, floating point.

    Returns:
        A tensor of the inputs' shape and dtype.

    Raises:
        ValueError: If `sigma` is not positive, or `size` is not odd and positive.
    """

    def __init__(self, sigma: float, size: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        size = 2 * math.ceil(3 * sigma) + 1 if size is None else size
        if sigma <= 0 or size < 1 or size % 2 == 0:
            raise ValueError(f"Expected `sigma` above 0 and an odd `size`. Received: {sigma=}, {size=}")
        self.sigma, self.size = sigma, size

    def call(self, inputs: Tensor) -> Tensor:
        half = self.size // 2
        padded = ops.pad(inputs, ((0, 0), (half, half), (half, half), (0, 0)), mode="reflect")
        sizes, sigmas = (self.size,) * 2, (self.sigma,) * 2
        blurred = ops.image.gaussian_blur(padded, sizes, sigmas, data_format="channels_last")
        return ops.cast(blurred[:, half : half + inputs.shape[1], half : half + inputs.shape[2]], inputs.dtype)

    def get_config(self) -> Config:
        return {**super().get_config(), "sigma": self.sigma, "size": self.size}
