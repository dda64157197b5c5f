import gzip

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing import test_pipeline as beam_test
from apache_beam.testing.util import assert_that, equal_to

from pipeline.datasets.builders import prepare
from pipeline.datasets.tfds_source import TfdsSource


def write_qmnist(folder, digits=(9, 8, 3, 7)) -> None:
    """Writes QMNIST's four files; writer k has digits[k] digits in all."""
    random = np.random.default_rng(0)
    writers = random.permutation(np.repeat(np.arange(len(digits)) + 500, digits))
    labels = np.zeros((len(writers), 8), ">i4")
    labels[:, 0], labels[:, 2] = random.integers(0, 10, len(writers)), writers
    images = random.integers(0, 256, (len(writers), 28, 28), np.uint8)
    half = len(writers) // 2
    for part, rows in (("train", slice(None, half)), ("test", slice(half, None))):
        for name, code, values in (("images-idx3-ubyte", 8, images[rows]), ("labels-idx2-int", 12, labels[rows])):
            header = bytes([0, 0, code, values.ndim]) + np.array(values.shape, ">i4").tobytes()
            with gzip.open(folder / f"qmnist-{part}-{name}.gz", "wb") as file:
                file.write(header + values.tobytes())


def test_reads_the_digits_of_the_most_frequent_writers(tmp_path, manual, monkeypatch):
    from pipeline.datasets.builders import emnist_writers

    write_qmnist(manual)
    with pytest.raises(ValueError, match="Expected 100 writers with 130 digits each; received 4"):
        prepare("emnist_writers", str(tmp_path))
    monkeypatch.setattr(emnist_writers, "WRITERS", 3)
    monkeypatch.setattr(emnist_writers, "DIGITS_EACH", 6)
    monkeypatch.setattr(emnist_writers, "SPLITS", {"train": 12, "validation": 3, "test": 3})
    source = TfdsSource("emnist_writers", str(tmp_path))
    with beam_test.TestPipeline() as pipeline:
        read = pipeline | source.read()
        writers = read | beam.Map(lambda example: example.labels["writer"]) | beam.combiners.Count.PerElement()
        assert_that(writers, equal_to([("500", 6), ("501", 6), ("503", 6)]))
        splits = read | "Splits" >> beam.Map(lambda example: example.split)
        counted = splits | "Count" >> beam.combiners.Count.PerElement()
        assert_that(counted, equal_to([("train", 12), ("valid", 3), ("test", 3)]), label="Counts")
    whole = (manual / "qmnist-test-images-idx3-ubyte.gz").read_bytes()
    with gzip.open(manual / "cut.gz", "wb") as file:
        file.write(gzip.decompress(whole)[:-5])
    with pytest.raises(ValueError, match="cut off"):
        emnist_writers.read_idx(str(manual / "cut.gz"))
