"""Inputs of a query: files uploaded by the page, or test examples of the run."""

from __future__ import annotations

import base64
import binascii
import dataclasses

import numpy as np

from pipeline.demo.loaded_run import LoadedRun
from serving.edge import preprocess
from serving.edge.errors import BadInputError

LONGEST_NAME = 80


@dataclasses.dataclass(frozen=True)
class Input:
    """One input of a query.

    Attributes:
        name: Of its file.
        x: The preprocessed input, float32.
        recording: The WAV file's bytes, to be played; `None` for pictures.
        truth: Indices of the labels that it truly has; `None` where nobody knows.
    """

    name: str
    x: np.ndarray
    recording: bytes | None = None
    truth: tuple[int, ...] | None = None


@dataclasses.dataclass(frozen=True)
class RejectedFile:
    """An uploaded file that cannot be used, and why."""

    name: str
    reason: str


def read_uploads(run: LoadedRun, files: list[dict]) -> tuple[list[Input], list[RejectedFile]]:
    """Decodes and preprocesses uploaded files; one that cannot be used does not keep the others back.

    Args:
        run: The loaded run.
        files: Each with `name` and `base64`, texts.

    Returns:
        The inputs, as many as a group takes, and what was rejected.
    """
    convert = preprocess.from_config(run.manifest.preprocessing)
    inputs, rejected = [], []
    for file in files:
        name = file["name"][:LONGEST_NAME] or "a file without a name"
        try:
            content = base64.b64decode(file["base64"], validate=True)
            x = convert(content).astype(np.float32)
            _check_room(inputs, x, run.manifest.group_size)
        except binascii.Error as error:
            rejected.append(RejectedFile(name, f"not base64: {error}"))
        except BadInputError as error:
            rejected.append(RejectedFile(name, str(error)))
        else:
            inputs.append(Input(name, x, content if run.schema.kind == "audio" else None))
    return inputs, rejected


def draw_test_examples(run: LoadedRun, count: int) -> list[Input]:
    """Distinct test examples, drawn anew at every call, with their true labels; at most a group's worth."""
    count, drawn = min(count, run.manifest.group_size), {}
    for index in np.random.default_rng().permutation(len(run.x)):
        if len(drawn) < count:
            drawn.setdefault(run.x[index].tobytes(), index)
    return _examples(run, drawn.values())


def named_examples(run: LoadedRun, names: list[str]) -> tuple[list[Input], list[RejectedFile]]:
    """Examples of the run by their names, each once, at most a group's worth, and what was rejected."""
    places = {name: index for index, name in enumerate(run.names)}
    wanted = list(dict.fromkeys(names))
    taken = [places[name] for name in wanted if name in places][: run.manifest.group_size]
    kept = {run.names[index] for index in taken}
    reasons = {True: f"a group takes {run.manifest.group_size} inputs", False: "there is no such sample"}
    rejected = [RejectedFile(name[:LONGEST_NAME], reasons[name in places]) for name in wanted if name not in kept]
    return _examples(run, taken), rejected


def _examples(run, indices):
    names = {run.names[index] for index in indices}
    wav = run.sounds(names) if run.schema.kind == "audio" else {}
    return [
        Input(run.names[index], run.x[index], wav.get(run.names[index]), _label_indices(run.y[index]))
        for index in indices
    ]


def _check_room(inputs, x, size):
    for other in inputs:
        if np.array_equal(other.x, x):
            raise BadInputError(f"the same input as {other.name}; equal inputs are sent once")
    if len(inputs) == size:
        raise BadInputError(f"a group takes {size} inputs; drop it again in another query")


def _label_indices(y):
    return (int(y),) if np.ndim(y) == 0 else tuple(map(int, np.flatnonzero(y)))
