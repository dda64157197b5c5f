"""`training.json`: how a model was trained."""

from __future__ import annotations

from typing import Any

from components.records.serialising import Record


class Training(Record, kw_only=True):
    """The trainer writes it.

    Attributes:
        name: Of the model, where several stand beside each other (`page.json`).
        config: A `ModelConfig` as of its `to_dict`.
        seconds: Time of the training, without that in which it was stopped.
        steps: Batches.
        history: Measure -> its value after each epoch.
    """

    name: str = ""
    config: dict[str, Any]
    seconds: float
    steps: int
    history: dict[str, tuple[float, ...]]
