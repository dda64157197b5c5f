"""ResNet-18 with the ImageNet stem: the backbone of the DataMix and FaceMix experiments."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from datamix_tf.typing import Tensor

STAGE_WIDTHS = (1, 2, 4, 8)  # in units of the stem's width
BLOCKS_PER_STAGE = 2

#: N_pre -> the last layer that runs on the edge: none but the normalisation (raw inputs are mixed), the stem, then one
#: and two residual blocks.
PRE_LAYERS = {0: "normalization", 1: "stem_pool", 2: "stage1_block1_out", 3: "stage1_block2_out"}
#: The first layer of M_post, with and without a hidden layer.
CLASSIFIER, HIDDEN = "classifier", "hidden"


def resnet18(
    input_shape: Sequence[int],
    classes: int,
    width: int = 64,
    hidden_units: int = 0,
    normalization: keras.layers.Layer | None = None,
    obfuscation: keras.layers.Layer | None = None,
    name: str = "resnet18",
) -> keras.Model:
    """Builds ResNet-18 as a functional model that returns logits.

    Layers are named by their place (`stem_conv`, `stage1_block1_out`, ...), so that `split` can cut anywhere;
    `pre_layer(n)` and `post_layer(model)` name the papers' cuts.

    Args:
        input_shape: `(height, width, channels)`.
        classes: Number of logits.
        width: Filters of the stem; 64 is ResNet-18.
        hidden_units: Units of an optional hidden layer in M_post (Dense, batch normalisation, ReLU); 0 for none, as
            in the papers.
        normalization: Optional layer put first, for example an adapted `keras.layers.Normalization`: it becomes a
            part of M_pre, so that training, serving and the edge cannot differ.
        obfuscation: Optional `datamix_tf.layers.Obfuscation`, put behind the normalisation: a baseline in which the
            edge obfuscates the input and the cloud runs the network.
        name: Model name.

    Returns:
        A `keras.Model`: `[batch, height, width, channels] -> logits [batch, classes]`.

    Reference: He et al., Deep Residual Learning for Image Recognition (CVPR 2016), table 1; DataMix, section 5.1.
    """
    inputs = keras.Input(input_shape, name="input")
    x = normalization(inputs) if normalization is not None else inputs
    x = obfuscation(x) if obfuscation is not None else x
    x = conv_bn(x, width, 7, 2, "stem")
    x = layers.ReLU(name="stem_relu")(x)
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)  # after ReLU, zeros pad a maximum as -inf would
    x = layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    for stage, multiple in enumerate(STAGE_WIDTHS, start=1):
        for block in range(1, BLOCKS_PER_STAGE + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            x = basic_block(x, width * multiple, stride, f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    if hidden_units:
        x = layers.Dense(hidden_units, use_bias=False, name=HIDDEN)(x)
        x = layers.BatchNormalization(name="hidden_bn")(x)
        x = layers.ReLU(name="hidden_relu")(x)
    return keras.Model(inputs, layers.Dense(classes, name=CLASSIFIER)(x), name=name)


def pre_layer(num_pre_blocks: int) -> str:
    """The name of M_pre's last layer for N_pre edge blocks.

    Raises:
        ValueError: If `num_pre_blocks` is not 0 (which takes a model with a normalisation), 1, 2 or 3.
    """
    if num_pre_blocks not in PRE_LAYERS:
        raise ValueError(
            f"`num_pre_blocks` (N_pre) must be one of {sorted(PRE_LAYERS)}. Received: {num_pre_blocks!r}. "
            "For another cut, call split(model, after=..., before=...) with layer names."
        )
    return PRE_LAYERS[num_pre_blocks]


def post_layer(model: keras.Model) -> str:
    """The name of M_post's first layer: the hidden layer if the model has one, else the classifier."""
    names = {layer.name for layer in model.layers}
    return HIDDEN if HIDDEN in names else CLASSIFIER


def conv_bn(x: Tensor, filters: int, kernel_size: int, strides: int, name: str) -> Tensor:
    """A convolution `[kernel_size, kernel_size]` without bias and a batch normalisation."""
    # Explicit symmetric padding: "same" pads odd and even sizes differently, ResNet does not.
    padding = (kernel_size - 1) // 2
    if padding:
        x = layers.ZeroPadding2D(padding, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        filters, kernel_size, strides, use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)


def basic_block(x: Tensor, filters: int, strides: int, name: str) -> Tensor:
    """A residual block of two convolutions."""
    shortcut = x
    if strides != 1 or x.shape[-1] != filters:
        shortcut = conv_bn(x, filters, 1, strides, f"{name}_shortcut")
    y = conv_bn(x, filters, 3, strides, f"{name}_1")
    y = layers.ReLU(name=f"{name}_relu")(y)
    y = conv_bn(y, filters, 3, 1, f"{name}_2")
    y = layers.Add(name=f"{name}_add")([y, shortcut])
    return layers.ReLU(name=f"{name}_out")(y)
