"""Training in lower precision, and coming back to float32."""

from __future__ import annotations

import contextlib
import json
from typing import Any

FULL = "float32"
LOWER = ("mixed_bfloat16", "mixed_float16", "bfloat16", "float16")


@contextlib.contextmanager
def built_in(dtype: str):
    """Layers that are made within the block compute in a precision; `"float32"` leaves what Keras is set to."""
    import keras

    before = keras.config.dtype_policy()
    if dtype != FULL:
        keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def in_float32(model: Any) -> Any:
    """The same network with layers that compute in float32: what is served, packaged and attacked.

    Args:
        model: A Keras model whose layers compute in a lower precision, with variables in float32.
    """
    import keras

    described = json.dumps(keras.saving.serialize_keras_object(model) | {"compile_config": None})
    for name in LOWER:
        described = described.replace(f'"{name}"', f'"{FULL}"')
    plain = keras.saving.deserialize_keras_object(json.loads(described))
    plain.set_weights(model.get_weights())
    return plain
