"""Networks of `keras.applications` as bases of a classifier, with what their library does to pictures put in front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from datamix_tf.typing import Tensor


def names() -> list[str]:
    """The networks that there are."""
    found = vars(keras.applications).items()
    return sorted(name for name, value in found if name[:1].isupper() and callable(value))


def application(name: str, shape: Sequence[int], weights: str | None = "imagenet") -> keras.Model:
    """A network without its classifier, its features averaged over places, for pictures with values 0 to 255.

    Args:
        name: Its name in `keras.applications`.
        shape: Of the pictures, `(height, width, 3)`.
        weights: `"imagenet"`, which Keras downloads if it has not yet; `None` for random ones.

    Returns:
        A functional model `[batch, height, width, 3] -> [batch, features]`. What the library's `preprocess_input` does
        stands in front as layers, unless the network does it itself.

    Raises:
        ValueError: If there is no such network, or it does not take the shape.
        Exception: Whatever Keras raises if the weights cannot be downloaded.
    """
    if name not in names():
        raise ValueError(f"keras.applications has no {name!r}; it has {', '.join(names())}")
    base = getattr(keras.applications, name)(
        weights=weights, include_top=False, pooling="avg", input_shape=tuple(shape)
    )
    inputs = keras.Input(shape)
    return keras.Model(inputs, base(_preprocessed(inputs, _preprocessing_of(name))), name=name.lower())


def _preprocessing_of(name: str) -> Any:
    """The library's function for a network: that of the module in which it is defined (MobileNetV3's lists it not)."""
    module = getattr(keras.applications, name).__module__.rpartition(".")[2]
    return getattr(keras.applications, module).preprocess_input


def _preprocessed(x: Tensor, function: Any) -> Tensor:
    """What a function of each pixel does, as layers: it scales and shifts channels, and may turn their order."""
    offset = function(np.zeros((1, 1, 1, 3)))[0, 0, 0]
    effect = function(255 * np.eye(3)[None])[0] - offset  # row: channel before, column: channel after
    if turned := not np.allclose(effect, np.diag(np.diag(effect))):
        effect = effect[::-1]
    if not np.allclose(effect, np.diag(np.diag(effect)), atol=1e-4):
        raise ValueError("Expected a preprocessing that scales channels alone. Received: one that mixes them.")
    if turned:
        x = keras.ops.flip(x, axis=-1)
    scale = np.diag(effect) / 255
    if np.allclose(scale, 1) and np.allclose(offset, 0):
        return x
    return keras.layers.Rescaling(scale.tolist(), offset.tolist(), name="input_preprocessed")(x)
