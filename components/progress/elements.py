"""Progress of Beam steps that go through the examples of a data set."""

from __future__ import annotations

import time

import apache_beam as beam

from components.progress.journal import tell

#: Seconds between two entries of a process.
EVERY = 1.0


class Counted(beam.PTransform):
    """Passes elements on unchanged and tells how many there were.

    Args:
        unit: Name of the unit of work.
        total: Number of elements that are expected, if known.
    """

    def __init__(self, unit: str, total: int | None = None):
        super().__init__()
        self.counting = _Counting(unit, total)

    def expand(self, elements):
        return elements | beam.ParDo(self.counting)


class _Counting(beam.DoFn):
    def __init__(self, unit, total):
        self.unit = unit
        self.total = total

    def setup(self):
        self.count, self.told = 0, time.monotonic()
        tell(self.unit, 0.0)

    def process(self, element):
        self.count += 1
        now = time.monotonic()
        if now - self.told >= EVERY:
            self.told = now
            self._tell()
        yield element

    def teardown(self):
        self._tell()

    def _tell(self):
        tell(self.unit, self.count / self.total if self.total else 0.0, f"{self.count:,} examples")
