"""What is dropped on the page becomes inputs; what cannot be used is named with the reason, and the others go on."""

from __future__ import annotations

import base64
import binascii
import dataclasses

import numpy as np

from components.report.artist import recordings
from pipeline.demo.opened import Opened
from serving.edge import preprocess
from serving.edge.errors import BadInputError

LONGEST_NAME = 80


@dataclasses.dataclass(frozen=True)
class Given:
    """One input.

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
class Refused:
    """A file that was not sent, and why."""

    name: str
    reason: str


def dropped(run: Opened, files: list[dict]) -> tuple[list[Given], list[Refused]]:
    """Reads dropped files.

    Args:
        run: The opened run.
        files: Each with `name` and `base64`, texts.

    Returns:
        The inputs, as many as a group takes, and what was refused.
    """
    convert = preprocess.from_config(run.manifest.preprocessing)
    given, refused = [], []
    for file in files:
        name = file["name"][:LONGEST_NAME] or "a file without a name"
        try:
            content = base64.b64decode(file["base64"], validate=True)
            x = convert(content).astype(np.float32)
            _check_room(given, x, run.manifest.group_size)
        except binascii.Error as error:
            refused.append(Refused(name, f"not base64: {error}"))
        except BadInputError as error:
            refused.append(Refused(name, str(error)))
        else:
            given.append(Given(name, x, content if run.schema["kind"] == "audio" else None))
    return given, refused


def chosen(run: Opened, count: int) -> list[Given]:
    """Test examples, drawn anew at every call, with their true labels; at most a group's worth."""
    random = np.random.default_rng()
    count = min(count, run.manifest.group_size, len(run.x))
    places = random.choice(len(run.x), count, replace=False)
    audio = run.schema["kind"] == "audio"
    played = recordings(run.raw, {run.names[place] for place in places}) if audio else {}
    names = [run.names[place] for place in places]
    return [
        Given(name, run.x[place], played.get(name), _truth(run.y[place]))
        for name, place in zip(names, places, strict=True)
    ]


def _check_room(given, x, size):
    for other in given:
        if np.array_equal(other.x, x):
            raise BadInputError(f"the same input as {other.name}; equal inputs are sent once")
    if len(given) == size:
        raise BadInputError(f"a group takes {size} inputs; drop it again in another query")


def _truth(y):
    return (int(y),) if np.ndim(y) == 0 else tuple(map(int, np.flatnonzero(y)))
