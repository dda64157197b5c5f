"""A source of many pictures that draws few: for measurements of what comes behind the drawing."""

from __future__ import annotations

import dataclasses
import functools
import zlib

import apache_beam as beam

from components.storage.records import Indices, RawExample

END = 12  # bytes of a PNG file's last chunk


@dataclasses.dataclass(frozen=True)
class DrawnAgain:
    """`examples` pictures of a source that draws `drawn` different ones."""

    source: object
    examples: int
    drawn: int

    def __getattr__(self, name):
        if name == "source" or name.startswith("__"):  # not there yet while it is unpickled
            raise AttributeError(name)
        return getattr(self.source, name)

    def example(self, index: int) -> RawExample:
        """Returns example `index`."""
        drawn = _drawn(self.source, index % self.drawn)
        text = b"tEXtComment\0%d" % index
        chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
        content = drawn.content[:-END] + chunk + drawn.content[-END:]
        return RawExample(f"avatar_{index:07d}.png", content, drawn.labels)

    def read(self) -> beam.PTransform:
        """Returns a transform PBegin -> PCollection[RawExample]."""
        return Indices(self.examples) | beam.Map(self.example)


@functools.cache
def _drawn(source, index):
    return source.example(index)
