"""Loading what the trainer wrote."""

from __future__ import annotations

import hashlib

from components.records.training import Training
from components.storage.artifacts import Models
from components.storage.local_copies import local_copy


def names(models: Models) -> list[str]:
    """Names of the trained models, in the order in which they were asked for."""
    return models.read("models.json", list[str])


def load(models: Models, name: str):
    """The trained Keras model `name`: a `DataMixModel`, or a plain one."""
    import keras

    import datamix_tf  # noqa: F401  (registers the layers with Keras)

    return keras.models.load_model(local_copy(models.path(name, "model.keras")), compile=False)


def training(models: Models, name: str) -> Training:
    """The training record of the model `name`."""
    return models.read(f"{name}/training.json", Training)


def digest(models: Models, name: str) -> str:
    """A hash of a model as it was saved; models of equal settings differ if the code that trained them does."""
    with open(local_copy(models.path(name, "model.keras")), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
