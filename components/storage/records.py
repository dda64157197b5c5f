"""What enters the pipeline: one raw example and the interface of the thing that reads them.

Both are plain data without TensorFlow, so that a Beam worker imports them at once.
"""

from __future__ import annotations

import dataclasses
from typing import Literal, Protocol

import apache_beam as beam

Kind = Literal["image", "audio"]
#: How people write the two values of a binary label.
_BINARY = {
    **dict.fromkeys(("1", "1.0", "+1", "true", "t", "yes", "y"), "1"),
    **dict.fromkeys(("0", "0.0", "-1", "-1.0", "false", "f", "no", "n"), "0"),
}


def as_binary(value: str) -> str | None:
    """`"1"` or `"0"` for a binary label as people write it (-1 and 1, yes and no, True and False), or `None`."""
    return _BINARY.get(value.strip().casefold())


@dataclasses.dataclass(frozen=True)
class RawExample:
    """One example as it was found: an encoded picture or recording with its labels.

    Attributes:
        name: Unique name inside the data set, for example `images/00012.jpg`.
        content: Encoded bytes: JPEG, PNG or any format that Pillow reads for images, a RIFF
            WAV file for audio.
        labels: Label column -> value as written in the data set. Values are text.
        split: `"train"`, `"valid"` or `"test"` where the data set has official lists, else `None`.
    """

    name: str
    content: bytes
    labels: dict[str, str]
    split: str | None = None


@dataclasses.dataclass(frozen=True)
class BadRecord:
    """One record that was skipped, and why."""

    name: str
    reason: str


class Source(Protocol):
    """A data set that `ExampleGen` can ingest.

    Attributes:
        name: Short name, as after `--dataset`.
        kind: `"image"` or `"audio"`.
        columns: Every label column.
        target: The columns that the model learns: one column with classes, or several binary ones.
        hidden: The columns that an attacker is after, for example `("identity",)`.
        fingerprint: A text that changes when the data changes.
        official: The splits that its own lists have, of `"train"`, `"valid"` and `"test"`; none without lists.
    """

    name: str
    kind: Kind
    columns: tuple[str, ...]
    target: tuple[str, ...]
    hidden: tuple[str, ...]
    fingerprint: str
    official: tuple[str, ...]

    def classes(self, column: str) -> int | None:
        """How many values a label column has; `None` where that is not known before the data are read."""
        ...

    def read(self) -> beam.PTransform:
        """Returns a transform PBegin -> PCollection[RawExample | BadRecord]."""
        ...


class Indices(beam.PTransform):
    """PBegin -> PCollection of `0 ... count - 1`, spread over workers; runners pass on the starts of ranges only."""

    def __init__(self, count: int, together: int = 64):
        super().__init__()
        self.count, self.together = count, together

    def expand(self, begin):
        return (
            begin
            | "Starts" >> beam.Create(range(0, self.count, self.together))
            | "Spread" >> beam.Reshuffle()
            | "Each" >> beam.FlatMap(_indices, self.count, self.together)
        )


def _indices(start, count, together):
    return range(start, min(start + together, count))
