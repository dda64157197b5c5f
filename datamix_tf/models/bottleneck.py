"""A split network whose edge sends a few numbers that look like noise: the parts of the hardened preset."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from datamix_tf.layers import GaussianBottleneck, Sent
from datamix_tf.models.resnet import basic_block, conv_bn
from datamix_tf.typing import Tensor

BLOCKS = 2


def bottleneck_parts(
    input_shape: Sequence[int],
    classes: int,
    units: int,
    bits: float,
    width: int = 64,
    hidden_units: int = 256,
    normalization: keras.layers.Layer | None = None,
    decorrelation: float = 0.1,
    seed: int | None = None,
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Builds M_pre, M_main and M_post around a `GaussianBottleneck`.

    The edge runs ResNet's stem, one residual block with stride 2, one convolution with stride 2 and the bottleneck; the
    cloud a residual network of dense layers with a linear path, which mixing passes unchanged; the edge a hidden layer
    and the classifier.

    Args:
        input_shape: `(height, width, channels)`.
        classes: Number of logits.
        units: Numbers that are sent for each input.
        bits: Upper bound of the information in them.
        width: Filters of the stem.
        hidden_units: Units of the hidden layer in M_post; 0 for none.
        normalization: Optional layer put first.
        decorrelation: See `GaussianBottleneck`.
        seed: Optional int for the noise.

    Returns:
        `(pre, main, post)`, functional models: `[batch, height, width, channels] -> [batch, units]`, `-> [batch, 8
        width]`, `-> logits [batch, classes]`.
    """
    inputs, x = _encoder(input_shape, width, normalization)
    sent = GaussianBottleneck(units, bits, decorrelation, clipped=True, seed=seed, name="bottleneck")(x)
    pre = keras.Model(inputs, sent, name="bottleneck_pre")

    mixtures = keras.Input((units,), name="mixtures")
    main = keras.Model(mixtures, _cloud(mixtures, width, BLOCKS), name="bottleneck_main")

    demixed = keras.Input((8 * width,), name="answers")
    post = keras.Model(demixed, _classifier(demixed, classes, hidden_units), name="bottleneck_post")
    return pre, main, post


def unmixed_bottleneck(
    input_shape: Sequence[int],
    classes: int,
    units: int,
    bits: float,
    linear: bool = False,
    width: int = 64,
    hidden_units: int = 256,
    normalization: keras.layers.Layer | None = None,
    decorrelation: float = 0.1,
    seed: int | None = None,
) -> keras.Model:
    """The network of `bottleneck_parts` in one piece, cut behind the bottleneck: its numbers are sent as they are.

    Args:
        input_shape: As for `bottleneck_parts`, like all others but `linear`.
        classes: Likewise.
        units: Likewise.
        bits: Likewise.
        linear: Whether the cloud runs a linear map alone, up to M_post: all that is cheap under homomorphic encryption.
        width: Likewise.
        hidden_units: Likewise.
        normalization: Likewise.
        decorrelation: Likewise.
        seed: Likewise.

    Returns:
        A functional model `[batch, height, width, channels] -> logits [batch, classes]` with a layer `sent`.
    """
    inputs, x = _encoder(input_shape, width, normalization)
    x = GaussianBottleneck(units, bits, decorrelation, clipped=True, seed=seed, name="bottleneck")(x)
    x = _cloud(Sent(name="sent")(x), width, 0 if linear else BLOCKS)
    return keras.Model(inputs, _classifier(x, classes, hidden_units), name="unmixed_bottleneck")


def edge_half(
    input_shape: Sequence[int],
    classes: int,
    width: int = 64,
    hidden_units: int = 256,
    normalization: keras.layers.Layer | None = None,
) -> keras.Model:
    """What the edge of `bottleneck_parts` could do without a cloud: its encoder and its classifier, nothing sent.

    The arguments are those of `bottleneck_parts`.

    Returns:
        A functional model `[batch, height, width, channels] -> logits [batch, classes]`.
    """
    inputs, x = _encoder(input_shape, width, normalization)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, _classifier(x, classes, hidden_units), name="edge_half")


def _encoder(input_shape: Sequence[int], width: int, normalization: keras.layers.Layer | None) -> tuple[Tensor, Tensor]:
    inputs = keras.Input(input_shape, name="input")
    x = normalization(inputs) if normalization is not None else inputs
    x = layers.ReLU(name="stem_relu")(conv_bn(x, width, 7, 2, "stem"))
    x = layers.MaxPooling2D(3, 2, "same", name="stem_pool")(x)
    x = basic_block(x, 2 * width, 2, "encoder_block")
    return inputs, layers.ReLU(name="encoder_relu")(conv_bn(x, 3 * width, 3, 2, "encoder"))


def _cloud(x: Tensor, width: int, blocks: int) -> Tensor:
    """A linear map, and residual blocks of dense layers beside it: `[batch, units] -> [batch, 8 width]`."""
    x = answers = layers.Dense(8 * width, name="linear")(x)
    for block in range(blocks):
        for index in range(2):
            x = layers.BatchNormalization(momentum=0.9, name=f"block{block}_{index}_bn")(x)
            x = layers.ReLU(name=f"block{block}_{index}_relu")(x)
            x = layers.Dense(8 * width, name=f"block{block}_{index}_dense")(x)
        x = answers = layers.Add(name=f"block{block}_add")([x, answers])
    return x


def _classifier(x: Tensor, classes: int, hidden_units: int) -> Tensor:
    if hidden_units:
        x = layers.Dense(hidden_units, use_bias=False, name="hidden")(x)
        x = layers.BatchNormalization(momentum=0.9, name="hidden_bn")(x)
        x = layers.ReLU(name="hidden_relu")(x)
    return layers.Dense(classes, name="classifier")(x)
