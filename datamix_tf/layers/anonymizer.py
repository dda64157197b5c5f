"""The learning-based obfuscator of the tables: an encoder-decoder on the edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from datamix_tf.layers.obfuscation import Obfuscation
from datamix_tf.typing import Config, Tensor


def generator(
    input_shape: Sequence[int], width: int = 64, blocks: int = 9, name: str = "generator", dtype: Any = None
) -> keras.Model:
    """The image-to-image network of CycleGAN: encoder, residual blocks, decoder.

    With `width=64` and nine blocks it has 11.38 M parameters, the papers' figure for the Face Anonymizer.

    Args:
        input_shape: `(height, width, channels)`; sizes that are no multiples of 4 are padded and cropped.
        width: Filters of the first convolution.
        blocks: Residual blocks.
        name: Model name.
        dtype: Dtype or dtype policy of its layers; default: Keras's global one.

    Returns:
        A functional model, standardised inputs `[batch, height, width, channels]` -> outputs of the same shape.

    Reference: Johnson et al., Perceptual Losses for Real-Time Style Transfer (ECCV 2016); Zhu et al., CycleGAN (ICCV
    2017), appendix.
    """
    inputs = keras.Input(input_shape, name="input")
    rows, columns = (-size % 4 for size in input_shape[:2])
    x = layers.ZeroPadding2D(((0, rows), (0, columns)), name="pad", dtype=dtype)(inputs) if rows or columns else inputs
    x = _conv_norm_relu(x, width, 7, 1, dtype)
    for multiple in (2, 4):
        x = _conv_norm_relu(x, width * multiple, 3, 2, dtype)
    for _ in range(blocks):
        y = _conv_norm_relu(x, 4 * width, 3, 1, dtype)
        y = layers.GroupNormalization(groups=-1, center=False, scale=False, dtype=dtype)(
            layers.Conv2D(4 * width, 3, padding="same", dtype=dtype)(y)
        )
        x = layers.Add(dtype=dtype)([x, y])
    for multiple in (2, 1):
        x = layers.Conv2DTranspose(width * multiple, 3, 2, padding="same", dtype=dtype)(x)
        x = layers.ReLU(dtype=dtype)(layers.GroupNormalization(groups=-1, center=False, scale=False, dtype=dtype)(x))
    x = layers.Conv2D(input_shape[-1], 7, padding="same", name="output", dtype=dtype)(x)
    x = layers.Cropping2D(((0, rows), (0, columns)), name="crop", dtype=dtype)(x) if rows or columns else x
    return keras.Model(inputs, x, name=name)


@keras.saving.register_keras_serializable(package="datamix_tf")
class FaceAnonymizer(Obfuscation):
    """Changes the input so that an identifier fails while the task can still be done.

    Trained in alternation against an identifier (`datamix_tf.training.adversarial.AdversarialTraining`).

    Args:
        width: Filters of the encoder's first convolution; 64 in the papers.
        blocks: Residual blocks between encoder and decoder; 9 in the papers.

    Call arguments:
        inputs: `[batch, height, width, channels]`, standardised.

    Returns:
        A tensor of the inputs' shape.

    Attributes:
        generator: The functional model inside, once built.

    Reference: DataMix (ECCV 2020), table 2, row Face Anonymizer; Ren, Lee, Ryoo, Learning to Anonymize Faces for
    Privacy Preserving Action Detection (ECCV 2018).
    """

    def __init__(self, width: int = 64, blocks: int = 9, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width, self.blocks = width, blocks
        self.generator: keras.Model = None

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.generator = generator(tuple(input_shape[1:]), self.width, self.blocks, dtype=self.dtype_policy)

    @property
    def model_inside(self) -> keras.Model:
        """What it runs once for each input; its multiply-adds are the layer's (`datamix_tf.costs`)."""
        return self.generator

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        return self.generator(inputs, training=training)

    def get_config(self) -> Config:
        return {**super().get_config(), "width": self.width, "blocks": self.blocks}


def _conv_norm_relu(x: Tensor, filters: int, kernel_size: int, strides: int, dtype: Any) -> Tensor:
    x = layers.Conv2D(filters, kernel_size, strides, padding="same", dtype=dtype)(x)
    return layers.ReLU(dtype=dtype)(layers.GroupNormalization(groups=-1, center=False, scale=False, dtype=dtype)(x))
