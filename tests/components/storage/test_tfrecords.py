import os
import pathlib

import apache_beam as beam

from components.storage.tfrecords import RUNS, WriteShards, encode_example, remove_runs
from pipeline.orchestration.command import make_beam_options
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


def test_a_bundle_that_is_repeated_leaves_no_half_or_double_shard(tmp_path):
    """As an engine does when a worker dies: what the tries before have written lies there, and nobody takes it."""
    records = [("train", f"{n:03d}", encode_example({"name": f"{n:03d}"})) for n in range(50)]
    runs, written = {}, {}
    for repeats in (0, 2):
        folder = tmp_path / str(repeats)
        folder.mkdir()
        options = make_beam_options(["--direct_runner_bundle_repeat", str(repeats)])
        with beam.Pipeline(options=options) as pipeline:
            _ = pipeline | beam.Create(records) | WriteShards(str(folder))
        runs[repeats] = len(os.listdir(folder / RUNS))
        remove_runs(str(folder))
        written[repeats] = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert runs[2] == 3 * runs[0] > 0
    assert written[2] == written[0] and len(written[0]) > 4
