"""Progress of trainings on standard error."""

from __future__ import annotations

import sys
from typing import Any

import keras
from tqdm import tqdm


class EpochBar(keras.callbacks.Callback):
    """A progress bar over the epochs of a `fit`, with the last loss."""

    def __init__(self, label: str):
        super().__init__()
        self.label = label
        self.bar: Any = None

    def on_train_begin(self, logs=None):
        self.bar = tqdm(total=self.params["epochs"], desc=self.label, unit="epoch", file=sys.stderr, mininterval=1)

    def on_epoch_end(self, epoch, logs=None):
        self.bar.set_postfix({name: f"{value:.3f}" for name, value in (logs or {}).items()}, refresh=False)
        self.bar.update()

    def on_train_end(self, logs=None):
        self.bar.close()
