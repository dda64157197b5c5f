"""Progress of Beam steps on standard error."""

from __future__ import annotations

import sys

import apache_beam as beam
from tqdm import tqdm


class Progress(beam.PTransform):
    """Passes elements on unchanged and counts them in a progress bar, one in each worker process.

    Args:
        label: What stands before the bar.
        total: Number of elements that are expected, if known.
    """

    def __init__(self, label: str, total: int | None = None):
        super().__init__()
        self.bar = _Bar(label, total)

    def expand(self, elements):
        return elements | beam.ParDo(self.bar)


class _Bar(beam.DoFn):
    def __init__(self, label, total):
        self.label = label
        self.total = total

    def setup(self):
        self.bar = tqdm(total=self.total, desc=self.label, unit="example", file=sys.stderr, mininterval=1)

    def process(self, element):
        self.bar.update()
        yield element

    def teardown(self):
        self.bar.close()
