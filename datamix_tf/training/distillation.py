"""Learning from another network's answers beside the labels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from datamix_tf.typing import Config, Dataset, Tensor


@keras.saving.register_keras_serializable(package="datamix_tf")
class Distillation(keras.losses.Loss):
    """The labels' loss and, by a share, the divergence from a teacher's answers, both softened by a temperature.

        (1 - share) H(labels, student) + share T^2 H(teacher / T, student / T)

    with the cross entropy H of softmax probabilities, or of sigmoids for several binary labels. `with_teacher` makes
    its labels.

    Args:
        share: Weight of the teacher, 0 to 1.
        binary: Whether logits are of several independent binary labels.
        temperature: T.

    Call arguments:
        y_true: `[batch, 2 * outputs]`: labels as shares, beside the teacher's logits.
        y_pred: Logits `[batch, outputs]`.

    Reference: Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network (2015), section 2.
    """

    def __init__(self, share: float, binary: bool, temperature: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= share <= 1:
            raise ValueError(f"Expected a share from 0 to 1. Received: {share!r}")
        self.share, self.binary, self.temperature = share, binary, temperature

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        labels, teacher = ops.split(ops.cast(y_true, y_pred.dtype), 2, axis=-1)
        if self.binary:
            soft = ops.sigmoid(teacher / self.temperature)
            entropies = [
                ops.mean(ops.binary_crossentropy(target, logits, from_logits=True), -1)
                for target, logits in ((labels, y_pred), (soft, y_pred / self.temperature))
            ]
        else:
            soft = ops.softmax(teacher / self.temperature)
            entropies = [
                ops.categorical_crossentropy(target, logits, from_logits=True)
                for target, logits in ((labels, y_pred), (soft, y_pred / self.temperature))
            ]
        return (1 - self.share) * entropies[0] + self.share * self.temperature**2 * entropies[1]

    def get_config(self) -> Config:
        names = ("share", "binary", "temperature")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def with_teacher(data: Dataset, teacher: keras.Model, outputs: int) -> Dataset:
    """Batches whose labels `Distillation` takes.

    Args:
        data: A `tf.data.Dataset` of `(x, y)`, with `y` classes `[batch]` or binary labels `[batch, outputs]`.
        teacher: A Keras model `x -> logits [batch, outputs]`; it is run as in inference.
        outputs: Number of logits.

    Returns:
        A `tf.data.Dataset` of `(x, [batch, 2 * outputs])`.
    """
    import tensorflow as tf

    def add(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        labels = tf.one_hot(y, outputs) if len(y.shape) == 1 else tf.cast(y, tf.float32)
        return x, tf.concat([labels, tf.cast(teacher(x, training=False), tf.float32)], -1)

    return data.map(add).prefetch(tf.data.AUTOTUNE)
