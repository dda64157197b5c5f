"""Blanking parts of spectrograms: an augmentation of speech."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from datamix_tf.typing import Config, Shape, Tensor


def mask_span(inputs: Tensor, axis: int, start: Tensor, width: Tensor, value: float = 0.0) -> Tensor:
    """Blanks a span of each example along an axis.

    Args:
        inputs: `[batch, ...]`.
        axis: The axis, from 1.
        start: Integers `[batch]`: first blanked place.
        width: Integers `[batch]`: how many places are blanked.
        value: What stands there instead.

    Returns:
        A tensor of the inputs' shape and dtype.
    """
    places = ops.arange(inputs.shape[axis])
    start, width = (ops.cast(part, places.dtype)[:, None] for part in (start, width))
    masked = ops.logical_and(places >= start, places < start + width)
    masked = ops.reshape(masked, [-1] + [inputs.shape[axis] if i == axis else 1 for i in range(1, len(inputs.shape))])
    return ops.where(masked, ops.cast(value, inputs.dtype), inputs)


def mask_spectrograms(inputs: Tensor, draws: Tensor, frequencies: int, frames: int, value: float = 0.0) -> Tensor:
    """What `SpectrogramMask` does, from given random numbers.

    Args:
        inputs: `[batch, frequencies, frames, channels]`.
        draws: Uniform in [0, 1), `[4, batch]`: width and place of the band, width and place of the span.
        frequencies: Bound of the band's width.
        frames: Bound of the span's width.
        value: What stands there instead.
    """
    for axis, bound in ((1, frequencies), (2, frames)):
        size, (first, second) = inputs.shape[axis], (draws[2 * axis - 2], draws[2 * axis - 1])
        width = ops.cast(first * min(bound, size), "int32")
        start = ops.cast(second * ops.cast(size - width + 1, "float32"), "int32")
        inputs = mask_span(inputs, axis, start, width, value)
    return inputs


@keras.saving.register_keras_serializable(package="datamix_tf")
class SpectrogramMask(keras.layers.Layer):
    """Blanks, in training, a random band of frequencies and a random span of frames of each spectrogram.

    Widths are uniform in `[0, frequencies)` and `[0, frames)`, places uniform where they fit.

    Args:
        frequencies: Bound of the band's width.
        frames: Bound of the span's width.
        value: What stands there instead.
        seed: Optional int that makes it repeatable.

    Call arguments:
        inputs: `[batch, frequencies, frames, channels]`.
        training: As in Keras; nothing is blanked without.

    Raises:
        ValueError: If a bound is below 1.

    Reference: Park et al., SpecAugment (Interspeech 2019), section 2, without time warping.
    """

    def __init__(
        self, frequencies: int, frames: int, value: float = 0.0, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if min(frequencies, frames) < 1:
            raise ValueError(f"`frequencies` and `frames` must be at least 1. Received: {frequencies=}, {frames=}")
        self.frequencies, self.frames, self.value, self.seed = frequencies, frames, value, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        if not training:
            return inputs
        draws = keras.random.uniform((4, ops.shape(inputs)[0]), seed=self.seed_generator)
        return mask_spectrograms(inputs, draws, self.frequencies, self.frames, self.value)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> Config:
        named = {"frequencies": self.frequencies, "frames": self.frames, "value": self.value, "seed": self.seed}
        return {**super().get_config(), **named}
