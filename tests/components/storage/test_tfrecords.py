import os
import pathlib

from tests import datasets
from tests.components.ingest import ingest, transform


def test_written_files_do_not_depend_on_the_run(tmp_path):
    folder = datasets.pictures(tmp_path / "faces", n=60)
    written = [
        {file.name: file.read_bytes() for file in sorted((tmp_path / run / "transform" / "examples").glob("*"))}
        for run in "ab"
        if transform(ingest(folder, tmp_path / run), tmp_path / run)
    ]
    assert written[0] == written[1]


def test_runs_that_are_merged_give_the_files_of_one_run(tmp_path, monkeypatch):
    folder = datasets.pictures(tmp_path / "faces", n=60)
    written = {}
    for size in (2**25, 2**13):
        monkeypatch.setattr("components.storage.tfrecords.RUN_BYTES", size)
        examples = transform(ingest(folder, tmp_path / str(size)), tmp_path / str(size))
        written[size] = {
            name: pathlib.Path(examples.path(name)).read_bytes() for name in sorted(os.listdir(examples.uri))
        }
        assert not [name for name in written[size] if name.startswith(".")]
    assert written[2**25] == written[2**13] and len(written[2**25]) > 10
