"""Runs a layer through what Keras expects of it."""

from __future__ import annotations

import keras
import numpy as np


def run_layer_test(layer, *inputs, tolerance=1e-5):
    """Checks a layer's symbolic shapes, config and mixed precision; returns what it makes of the inputs."""
    symbolic = layer(*[keras.Input(x.shape[1:], dtype=x.dtype.name) for x in inputs])
    result = layer(*inputs)
    for wanted, actual in zip(keras.tree.flatten(symbolic), keras.tree.flatten(result), strict=True):
        assert wanted.shape[1:] == tuple(actual.shape[1:])
        assert keras.backend.standardize_dtype(wanted.dtype) == keras.backend.standardize_dtype(actual.dtype)
    clone = type(layer).from_config(layer.get_config())
    assert clone.get_config() == layer.get_config()
    half = type(layer).from_config({**layer.get_config(), "dtype": "mixed_float16"})
    for tensor in keras.tree.flatten(half(*inputs)):
        if "float" in keras.backend.standardize_dtype(tensor.dtype):
            assert np.isfinite(keras.ops.convert_to_numpy(tensor)).all()
    return result
