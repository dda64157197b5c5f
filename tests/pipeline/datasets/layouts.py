"""Reads a folder or archive as a run does, without Beam."""

from components.storage.records import RawExample
from pipeline.datasets.folder import Folder, _ReadFile


def read(path):
    """The source, what could be read of it by name, and reasons of what could not."""
    source = Folder(str(path))
    examples, reader = source._index["examples"], _ReadFile(str(path))
    reader.setup()
    records = [record for example in examples for record in reader.process(example)]
    good = {record.name: record for record in records if isinstance(record, RawExample)}
    bad = {record.name: record.reason for record in records if not isinstance(record, RawExample)}
    return source, good, bad
