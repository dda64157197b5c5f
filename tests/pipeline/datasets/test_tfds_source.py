"""Data sets of the tensorflow-datasets builders, read from small files in the official downloads' layouts."""

import pickle
import subprocess
import sys

import pytest
from apache_beam.testing import test_pipeline as beam_test
from apache_beam.testing.util import assert_that, equal_to

from pipeline.datasets.builders import builder_class
from pipeline.datasets.tfds_source import TfdsSource
from tests.pipeline.datasets.builders.official_files import WRITERS, accept_files


@pytest.mark.parametrize("name", WRITERS)
def test_reads_files_fetched_by_hand(name, tmp_path, manual, monkeypatch, no_network):
    expected = WRITERS[name](manual)
    accept_files(name, manual, monkeypatch)
    source = TfdsSource(name, str(tmp_path))
    with beam_test.TestPipeline() as pipeline:
        assert_that(pipeline | source.read(), equal_to(expected))
    assert set(expected[0].labels) == set(source.columns)
    again = pickle.loads(pickle.dumps(source))  # prepared by now: only read back
    assert again.fingerprint == source.fingerprint
    assert f"test={sum(e.split == 'test' for e in expected)}/" in source.fingerprint


def test_columns():
    faces, words = TfdsSource("celeb_a"), TfdsSource("speech_commands")
    assert (faces.kind, len(faces.target), faces.hidden) == ("image", 40, ("identity",))
    assert (words.kind, words.target, words.hidden) == ("audio", ("keyword",), ("speaker",))
    assert len(builder_class("speech_commands")(data_dir="/nowhere").info.features["keyword"].names) == 35


def test_unknown_name():
    with pytest.raises(ValueError, match="received: 'mnist'"):
        TfdsSource("mnist")


def test_import_stays_light():
    code = "import sys, pipeline.datasets.tfds_source; sys.exit('tensorflow_datasets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
