"""The six-layer network of the obfuscation paper, split at any of its layers."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from datamix_tf.typing import Tensor

CONV_FILTERS = (16, 32, 64)
DENSE_UNITS = (128, 64)
NUM_LAYERS = len(CONV_FILTERS) + len(DENSE_UNITS) + 1


def splitnet(
    input_shape: Sequence[int],
    classes: int,
    normalization: keras.layers.Layer | None = None,
    obfuscation: keras.layers.Layer | None = None,
    name: str = "splitnet",
) -> keras.Model:
    """Builds the six-layer network as a functional model that returns logits.

    The paper's layer `i` is a convolution or dense layer with its ReLU, pooling and batch normalisation. For the split
    layer `i`, the input of layer `i` is sent to the server; `sent_layer(i)` names the Keras layer whose output that is.

    Args:
        input_shape: `(height, width, channels)`.
        classes: Number of logits (the paper's softmax is left to the loss).
        normalization: Optional layer put first.
        obfuscation: Optional `datamix_tf.layers.Obfuscation`, put behind the normalisation.
        name: Model name.

    Returns:
        A `keras.Model`: `[batch, height, width, channels] -> logits [batch, classes]`.

    Reference: Samragh et al., Unsupervised Information Obfuscation for Split Inference (2021), table 1.
    """
    inputs = keras.Input(input_shape, name="input")
    x = normalization(inputs) if normalization is not None else inputs
    x = obfuscation(x) if obfuscation is not None else x
    for index, filters in enumerate(CONV_FILTERS, start=1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"layer{index}_conv")(x)
        x = layers.MaxPooling2D(2, name=f"layer{index}_pool")(x)
        x = layers.BatchNormalization(
            momentum=0.9, name=f"layer{index}_out" if index < len(CONV_FILTERS) else f"layer{index}_bn"
        )(x)
    x = layers.Flatten(name=f"layer{len(CONV_FILTERS)}_out")(x)
    for index, units in enumerate(DENSE_UNITS, start=len(CONV_FILTERS) + 1):
        x = layers.Dense(units, activation="relu", name=f"layer{index}_dense")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"layer{index}_out")(x)
    return keras.Model(inputs, layers.Dense(classes, name="classifier")(x), name=name)


def sent(network: keras.Model, split_layer: int) -> Tensor:
    """The symbolic tensor of the network that is sent to the server at the paper's split layer 1 ... 6.

    At 1 it is the raw input, normalised if the network does that.

    Raises:
        ValueError: If `split_layer` is not 1 ... 6.
    """
    if split_layer == 1:
        return network.get_layer("layer1_conv").input
    return network.get_layer(sent_layer(split_layer)).output


def sent_layer(split_layer: int) -> str:
    """The Keras layer whose output is sent to the server for the paper's split layer 2 ... 6.

    Raises:
        ValueError: If `split_layer` is not 2 ... 6 (at 1 the raw input would be sent).
    """
    if split_layer not in range(2, NUM_LAYERS + 1):
        raise ValueError(f"`split_layer` must be an integer from 2 to {NUM_LAYERS}. Received: {split_layer!r}")
    return f"layer{split_layer - 1}_out"
