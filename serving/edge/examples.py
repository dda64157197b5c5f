"""What the models of both kinds of bundle need: inputs from files, checked, and probabilities from logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from serving.edge.errors import BadInputError, EdgeError


def load(paths: Sequence[str], preprocessing: Callable[[bytes], np.ndarray]) -> np.ndarray:
    """Inputs from files, preprocessed as in training, `[files, ...]`, of the preprocessing's dtype.

    Raises:
        EdgeError: If a file cannot be read or used; the text names it.
    """
    return np.stack([_load(path, preprocessing) for path in paths])


def _load(path: str, preprocessing: Callable[[bytes], np.ndarray]) -> np.ndarray:
    try:
        with open(path, "rb") as file:
            return preprocessing(file.read())
    except OSError as error:
        raise EdgeError(f"cannot read {path}: {error.strerror}") from error
    except BadInputError as error:
        raise EdgeError(f"cannot use {path}: {error}") from error


def checked(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Inputs as float32, `[inputs, *shape]`. Raises ValueError if they have another shape or are not finite."""
    x = np.asarray(x, np.float32)
    if x.shape[1:] != shape:
        raise ValueError(f"inputs must have shape [inputs, *{shape}]. Received: {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("inputs must be finite numbers")
    return x


def probabilities(logits: np.ndarray, task: str) -> np.ndarray:
    """Probabilities of the labels, `[inputs, labels]`, from logits of the same shape; `task` as in the manifest."""
    if task == "binary":
        with np.errstate(over="ignore"):  # a logit far below 0 has the probability 0
            return 1 / (1 + np.exp(-logits))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
