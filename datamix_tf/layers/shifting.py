"""Moving each example by a few places of its own: an augmentation of pictures and speech."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from datamix_tf.typing import Config, Shape, Tensor


def shift_each(inputs: Tensor, draws: Tensor, rows: int, columns: int) -> Tensor:
    """What `RandomShift` does, from given random numbers.

    Args:
        inputs: `[batch, height, width, channels]`.
        draws: Uniform in [0, 1), `[2, batch]`: along rows and along columns.
        rows: Most places up or down, at most the height.
        columns: Most places left or right, at most the width.

    Returns:
        A tensor of the inputs' shape and dtype; what is moved in is mirrored at the border.
    """
    height, width, channels = inputs.shape[1:]
    batch = ops.shape(inputs)[0]
    across = _mirrored(draws[0], rows, height)
    along = _mirrored(draws[1], columns, width)
    first = ops.cast(ops.arange(batch), "int32")[:, None] * height + across
    places = first[:, :, None] * width + along[:, None, :]
    return ops.take(ops.reshape(inputs, (-1, channels)), places, axis=0)


def _mirrored(draws: Tensor, most: int, size: int) -> Tensor:
    """Where each place of an axis is taken from, int32 `[batch, size]`."""
    moved = ops.cast(ops.floor(draws * (2 * most + 1)), "int32") - most
    places = ops.arange(size, dtype="int32")[None] + moved[:, None]
    places = ops.where(places < 0, -1 - places, places)
    return ops.where(places >= size, 2 * size - 1 - places, places)


@keras.saving.register_keras_serializable(package="datamix_tf")
class RandomShift(keras.layers.Layer):
    """Moves, in training, each example by whole places of its own, with mirrored borders.

    All moves from none to the most, in each direction, are equally likely. (`keras.layers.RandomTranslation` moves by
    fractions of a place and interpolates between pixels.)

    Args:
        rows: Most places up or down.
        columns: Most places left or right; of a spectrogram the columns are its frames.
        seed: Optional int that makes it repeatable.

    Call arguments:
        inputs: `[batch, height, width, channels]`, at least `rows` high and `columns` wide.
        training: As in Keras; nothing is moved without.

    Raises:
        ValueError: If a number is below 0, or above the inputs' height or width.
    """

    def __init__(self, rows: int, columns: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if min(rows, columns) < 0:
            raise ValueError(f"`rows` and `columns` must be at least 0. Received: {rows=}, {columns=}")
        self.rows, self.columns, self.seed = rows, columns, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Shape) -> None:
        _, height, width, _ = input_shape
        if self.rows > (height or 0) or self.columns > (width or 0):
            raise ValueError(
                f"Expected inputs of at least {self.rows} rows and {self.columns} columns. Received: {input_shape}"
            )
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        if not training:
            return inputs
        draws = keras.random.uniform((2, ops.shape(inputs)[0]), seed=self.seed_generator)
        return shift_each(inputs, draws, self.rows, self.columns)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> Config:
        return {**super().get_config(), "rows": self.rows, "columns": self.columns, "seed": self.seed}
