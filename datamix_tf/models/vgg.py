"""VGG-16: the network of the DataMix and FaceMix cost table (Table 1)."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def vgg16(input_shape: Sequence[int] = (224, 224, 3), classes: int = 1000, name: str = "vgg16") -> keras.Model:
    """Builds VGG-16 (configuration D) as a functional model that returns logits.

    Layers carry the names of the paper: `conv1_1` ... `conv5_3` (with their ReLU), `pool1` ... `pool5`, `fc6`, `fc7`,
    `fc8`.

    Args:
        input_shape: `(height, width, channels)`.
        classes: Number of logits.
        name: Model name.

    Returns:
        A `keras.Model`: `[batch, height, width, channels] -> logits [batch, classes]`.

    Reference: Simonyan and Zisserman, Very Deep Convolutional Networks (ICLR 2015), table 1, column D.
    """
    inputs = keras.Input(input_shape, name="input")
    x = inputs
    for stage, (filters, convolutions) in enumerate(STAGES, start=1):
        for index in range(1, convolutions + 1):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{stage}_{index}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{stage}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(4096, activation="relu", name="fc6")(x)
    x = layers.Dense(4096, activation="relu", name="fc7")(x)
    return keras.Model(inputs, layers.Dense(classes, name="fc8")(x), name=name)
