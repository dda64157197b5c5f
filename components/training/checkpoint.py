"""Going on with a training that was stopped, to the same weights as if it had not been.

A checkpoint is replaced whole, or not at all. A remote folder cannot be: there each checkpoint has a folder of its own
in it, and the one before goes when the new one is whole.
"""

from __future__ import annotations

import json
import os
import time

import keras
import numpy as np

from components.storage import files
from components.storage.artifacts import atomic_folder
from components.storage.local_copies import local_copy


class Checkpoint(keras.callbacks.Callback):
    """Writes all state of a training after each epoch: weights, optimizers, random generators, history.

    Args:
        folder: Of the last checkpoint; it is replaced whole, or not at all.
        stage: Number of the stage, for trainings that consist of several.
        history: The history of earlier stages and epochs, name -> values.
        seconds: Time that those took.
        writes: Whether it writes at all; of several who train together, one does.
    """

    def __init__(
        self, folder: str, stage: int = 0, history: dict | None = None, seconds: float = 0.0, writes: bool = True
    ):
        super().__init__()
        self.folder, self.stage, self.history, self.writes = folder, stage, dict(history or {}), writes
        self._started = time.monotonic() - seconds

    @property
    def seconds(self) -> float:
        """Time that the training took so far, without that in which it was stopped."""
        return time.monotonic() - self._started

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self.history[name] = [*self.history.get(name, []), float(value)]
        if not self.writes:
            return
        path = self.folder
        if files.is_remote(path):
            path = os.path.join(path, f"{self.stage:02d}-{epoch:06d}")
        with atomic_folder(path) as working:
            np.savez(os.path.join(working, "state.npz"), *(value.numpy() for value in state_of(self.model)))
            with open(os.path.join(working, "progress.json"), "w", encoding="utf-8") as file:
                progress = {"stage": self.stage, "epochs": epoch + 1, "history": self.history}
                json.dump({**progress, "seconds": self.seconds}, file)
        for name in files.names(self.folder) if path != self.folder else ():
            if name != os.path.basename(path):
                files.remove(os.path.join(self.folder, name))


def progress_of(folder: str) -> dict:
    """The `stage`, its finished `epochs`, `history` and `seconds` of the checkpoint, or those of a beginning."""
    last = _last(folder)
    if last is None:
        return {"stage": 0, "epochs": 0, "history": {}, "seconds": 0.0}
    with open(os.path.join(last, "progress.json"), encoding="utf-8") as file:
        return json.load(file)


def restore(folder: str, model) -> None:
    """Puts the checkpoint's state into a compiled model with built optimizers, in the same stage."""
    with np.load(os.path.join(_last(folder), "state.npz")) as state:
        for variable, name in zip(state_of(model), state.files, strict=True):
            variable.assign(state[name])


def _last(folder):
    """A local folder with the last checkpoint, or `None`."""
    if not files.is_remote(folder):
        return folder if os.path.exists(os.path.join(folder, "progress.json")) else None
    paths = [os.path.join(folder, name) for name in files.names(folder)]
    whole = [path for path in paths if files.is_whole(path)]
    return local_copy(whole[-1]) if whole else None


def state_of(model) -> list:
    """All variables that go on changing from epoch to epoch, each once, in a fixed order; metrics begin anew."""
    optimizers = [value for _, value in sorted(vars(model).items()) if isinstance(value, keras.optimizers.Optimizer)]
    found = [*model.variables, *(variable for optimizer in optimizers for variable in optimizer.variables)]
    metrics = {id(variable) for variable in model.metrics_variables}
    return list({id(variable): variable for variable in found if id(variable) not in metrics}.values())
