"""Pix2Pix: a U-Net generator and a PatchGAN discriminator."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import layers

LARGEST_MULTIPLE = 8
DEEPEST = 8


def unet(input_shape: Sequence[int], output_shape: Sequence[int], width: int = 64, name: str = "unet") -> keras.Model:
    """The U-Net generator of Pix2Pix: encoder, decoder, skip connections.

    Inputs smaller than the output (feature maps) are scaled up first; all are padded to a power of two and the result
    is cropped.

    Args:
        input_shape: `(height, width, channels)` of the condition, here a transmitted tensor.
        output_shape: `(height, width, channels)` of what is generated.
        width: Filters of the first convolution; 64 in the paper.
        name: Model name.

    Returns:
        A functional model, `[batch, *input_shape] -> [batch, *output_shape]`, linear at the end.

    Reference: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks (CVPR 2017), 6.1.1.
    """
    inputs = keras.Input(input_shape, name="condition")
    rows, columns = output_shape[:2]
    x = inputs
    if tuple(input_shape[:2]) != (rows, columns):
        x = layers.Resizing(rows, columns, interpolation="bilinear")(x)
    depth = min(DEEPEST, math.ceil(math.log2(max(rows, columns))))
    above, beside = ((-size) % 2**depth for size in (rows, columns))
    x = layers.ZeroPadding2D(((0, above), (0, beside)))(x)
    skips = []
    for level in range(depth):
        filters = width * min(2**level, LARGEST_MULTIPLE)
        x = layers.Conv2D(filters, 4, 2, padding="same")(x)
        if 0 < level < depth - 1:
            x = layers.BatchNormalization(momentum=0.9)(x)
        skips.append(x)
        x = layers.LeakyReLU(0.2)(x)
    for level in reversed(range(depth - 1)):
        filters = width * min(2**level, LARGEST_MULTIPLE)
        x = layers.BatchNormalization(momentum=0.9)(layers.Conv2DTranspose(filters, 4, 2, padding="same")(x))
        x = layers.ReLU()(layers.Concatenate()([x, skips[level]]))
    x = layers.Conv2DTranspose(output_shape[-1], 4, 2, padding="same", name="generated")(x)
    return keras.Model(inputs, layers.Cropping2D(((0, above), (0, beside)))(x), name=name)


def patch_gan(
    condition_shape: Sequence[int],
    image_shape: Sequence[int],
    width: int = 64,
    levels: int = 3,
    name: str = "patch_gan",
) -> keras.Model:
    """The PatchGAN discriminator: for each patch of an image, whether it is a real one for the condition.

    Args:
        condition_shape: `(height, width, channels)` of the condition; scaled to the image's size.
        image_shape: `(height, width, channels)`.
        width: Filters of the first convolution; 64 in the paper.
        levels: Convolutions with stride 2; 3 sees patches of 70 x 70.
        name: Model name.

    Returns:
        A functional model, `[condition, image] -> logits [batch, rows, columns, 1]`.

    Reference: Isola et al. (CVPR 2017), 6.1.2.
    """
    condition, image = keras.Input(condition_shape, name="condition"), keras.Input(image_shape, name="image")
    x = condition
    if tuple(condition_shape[:2]) != tuple(image_shape[:2]):
        x = layers.Resizing(*image_shape[:2], interpolation="bilinear")(x)
    x = layers.Concatenate()([x, image])
    for level in range(levels + 1):
        filters = width * min(2**level, LARGEST_MULTIPLE)
        x = layers.Conv2D(filters, 4, 2 if level < levels else 1, padding="same")(x)
        x = layers.BatchNormalization(momentum=0.9)(x) if level else x
        x = layers.LeakyReLU(0.2)(x)
    return keras.Model([condition, image], layers.Conv2D(1, 4, padding="same", name="patches")(x), name=name)
