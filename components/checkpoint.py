"""Going on with a training that was stopped, to the same weights as if it had not been."""

from __future__ import annotations

import json
import os
import time

import keras
import numpy as np

from components.artifacts import atomic_folder


class Checkpoint(keras.callbacks.Callback):
    """Writes all state of a training after each epoch: weights, optimizers, random generators, history.

    Args:
        folder: Of the last checkpoint; it is replaced whole, or not at all.
        stage: Number of the stage, for trainings that consist of several.
        history: The history of earlier stages and epochs, name -> values.
        seconds: Time that those took.
    """

    def __init__(self, folder: str, stage: int = 0, history: dict | None = None, seconds: float = 0.0):
        super().__init__()
        self.folder, self.stage, self.history = folder, stage, dict(history or {})
        self._started = time.monotonic() - seconds

    @property
    def seconds(self) -> float:
        """Time that the training took so far, without that in which it was stopped."""
        return time.monotonic() - self._started

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self.history[name] = [*self.history.get(name, []), float(value)]
        with atomic_folder(self.folder) as working:
            np.savez(os.path.join(working, "state.npz"), *(value.numpy() for value in state_of(self.model)))
            with open(os.path.join(working, "progress.json"), "w", encoding="utf-8") as file:
                progress = {"stage": self.stage, "epochs": epoch + 1, "history": self.history}
                json.dump({**progress, "seconds": self.seconds}, file)


def progress_of(folder: str) -> dict:
    """The `stage`, its finished `epochs`, `history` and `seconds` of the checkpoint, or those of a beginning."""
    path = os.path.join(folder, "progress.json")
    if not os.path.exists(path):
        return {"stage": 0, "epochs": 0, "history": {}, "seconds": 0.0}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def restore(folder: str, model) -> None:
    """Puts the checkpoint's state into a compiled model with built optimizers, in the same stage."""
    with np.load(os.path.join(folder, "state.npz")) as state:
        for variable, name in zip(state_of(model), state.files, strict=True):
            variable.assign(state[name])


def state_of(model) -> list:
    """All variables that change in training, each once, in a fixed order."""
    optimizers = [value for _, value in sorted(vars(model).items()) if isinstance(value, keras.optimizers.Optimizer)]
    found = [*model.variables, *(variable for optimizer in optimizers for variable in optimizer.variables)]
    return list({id(variable): variable for variable in found}.values())
