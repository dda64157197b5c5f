"""Beam steps tell how many examples went through them."""

import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from components.progress import elements, journal


def test_elements_go_on_unchanged_and_are_counted(tmp_path, monkeypatch):
    reader = journal.Reader(str(tmp_path / "journal"))
    monkeypatch.setenv(journal.VARIABLE, reader.path)
    monkeypatch.setattr(elements, "EVERY", 0.0)
    with TestPipeline() as pipeline:
        passed = pipeline | beam.Create(range(10)) | elements.Counted("reading", 10)
        assert_that(passed, equal_to(list(range(10))))
    entries = list(reader.new())
    assert max(entry.share for entry in entries) == 1.0 and entries[0].share == 0
    assert {entry.unit for entry in entries} == {"reading"} and "10 examples" in {entry.note for entry in entries}
    reader.close()
