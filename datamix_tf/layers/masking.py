"""Blanking parts of spectrograms: an augmentation of speech."""

from __future__ import annotations

import keras
from keras import ops


def mask_span(inputs, axis, start, width, value=0.0):
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

    def __init__(self, frequencies, frames, value=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        if min(frequencies, frames) < 1:
            raise ValueError(f"`frequencies` and `frames` must be at least 1. Received: {frequencies=}, {frames=}")
        self.frequencies, self.frames, self.value, self.seed = frequencies, frames, value, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        for axis, bound in ((1, self.frequencies), (2, self.frames)):
            size, rows = inputs.shape[axis], (ops.shape(inputs)[0],)
            draws = [keras.random.uniform(rows, seed=self.seed_generator) for _ in range(2)]
            width = ops.cast(draws[0] * min(bound, size), "int32")
            start = ops.cast(draws[1] * ops.cast(size - width + 1, "float32"), "int32")
            inputs = mask_span(inputs, axis, start, width, self.value)
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        named = {"frequencies": self.frequencies, "frames": self.frames, "value": self.value, "seed": self.seed}
        return {**super().get_config(), **named}
