"""Batch normalisation behind a removal of signal content: the statistics of what is sent, not of what was drawn last.

In training a batch is normalised with its own statistics, under the removal of the moment. What is sent later is
normalised with moving ones, which therefore belong to one removal: those of the full content stay in the trained
network (`SignalTraining`), those of a rank are measured on features of that rank, here. A server knows the rank, for it
sees how many coefficients come.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras

from datamix_tf.typing import Array

BATCH_SIZE = 256


def normalisations(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The batch normalisations of a functional model."""
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def recompute_statistics(server: keras.Model, inputs: Array) -> None:
    """Sets the moving statistics of a server's batch normalisations to those of what it receives.

    Args:
        server: A functional model; no other layer of it may behave differently in training.
        inputs: What it receives, `[n, ...]`, for example coefficients of validation examples. No labels are needed.
    """
    layers = normalisations(server)
    momenta = [layer.momentum for layer in layers]
    try:
        for start in range(0, len(inputs), BATCH_SIZE):
            batch = inputs[start : start + BATCH_SIZE]
            for layer in layers:  # the mean over all batches so far
                layer.momentum = start / (start + len(batch))
            server(batch, training=True)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


@contextlib.contextmanager
def kept_statistics(model: keras.Model) -> Iterator[None]:
    """Puts the moving statistics of a model's batch normalisations back in the end."""
    variables = [v for layer in normalisations(model) for v in (layer.moving_mean, layer.moving_variance)]
    values = [keras.ops.convert_to_numpy(variable) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
