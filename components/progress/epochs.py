"""Progress of trainings."""

from __future__ import annotations

import keras

from components.progress.journal import tell

#: What of a unit its epochs are: it is done when its result is kept.
MOST = 0.98


class Epochs(keras.callbacks.Callback):
    """Tells the epochs of a `fit`, with the last loss.

    Args:
        unit: Name of the unit of work.
        total: Epochs of all `fit`s of the unit.
        before: Those of the `fit`s before this one.
    """

    def __init__(self, unit: str, total: int, before: int = 0):
        super().__init__()
        self.unit, self.total, self.done = unit, max(1, total), before

    def on_train_begin(self, logs=None):
        self.first = self.done

    def on_epoch_end(self, epoch, logs=None):
        # Of one `fit` that goes on after a stop, `epoch` does not begin at 0; of several in a row it does each time.
        self.done = self.first + epoch + 1
        figures = "".join(f", {name} {value:.3f}" for name, value in (logs or {}).items())
        share = min(MOST, MOST * self.done / self.total)
        tell(self.unit, share, f"epoch {min(self.done, self.total)} of {self.total}{figures}")
