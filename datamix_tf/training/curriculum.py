"""Easing a network into the mixing."""

from __future__ import annotations

from typing import Any

import keras


class MixingCurriculum(keras.callbacks.Callback):
    """Trains a `DataMixModel` on few mixed groups first and on all in the end.

    A network learns what matters in its inputs faster when it sees them plainly. The share of groups that are mixed
    with a random key rises from 0 in the first epoch to 1 after `share_of_epochs` of the training; the others keep
    the identity as their key. Evaluation and prediction always mix every group. Not in the papers;
    docs/results/results.md says what it brings.

    Args:
        share_of_epochs: Share of the epochs (0 to 1) in which the mixing rises; 0 mixes fully from the start, as in the
            papers.

    Raises:
        ValueError: If `share_of_epochs` is not at least 0 and below 1.
    """

    def __init__(self, share_of_epochs: float = 0.6) -> None:
        super().__init__()
        if not 0 <= share_of_epochs < 1:
            raise ValueError(f"`share_of_epochs` must be at least 0 and below 1. Received: {share_of_epochs!r}")
        self.share_of_epochs = share_of_epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        rising = self.share_of_epochs * self.params["epochs"]
        self.model.mixed_share.assign(min(1.0, epoch / rising) if rising else 1.0)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.model.mixed_share.assign(1.0)
