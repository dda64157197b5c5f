"""A split that is read from its shards is the one in memory, row by row and batch by batch."""

import json
import os
import pathlib
import shutil
import weakref

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from components.errors import InputError
from components.storage import memory
from components.storage.artifacts import Examples
from components.storage.shard_index import INDEX, write_index
from components.storage.tfrecords import encode_example
from components.training import splits
from components.training.data import arrays, batches, steps
from components.training.splits import Rows, Split, rows_of, taken
from tests import datasets
from tests.components.ingest import ingest, transform


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("splits")
    return transform(ingest(datasets.pictures(folder / "faces", n=100), folder), folder)


@pytest.fixture
def streamed(monkeypatch):
    """A function that lets this process hold nothing from now on."""

    def forget():
        monkeypatch.setenv(memory.VARIABLE, "0")
        monkeypatch.setattr(splits, "_held", weakref.WeakValueDictionary())

    return forget


def test_rows_are_those_in_memory_however_they_are_asked_for(examples, streamed):
    held = Split(examples, "train")
    names, x, y = arrays(examples, "train")
    assert isinstance(held.x, np.ndarray) and Split(examples, "train").x is held.x  # one copy in a process
    streamed()
    read = Split(examples, "train")
    assert isinstance(read.x, Rows) and read.x.shape == x.shape and read.x.dtype == x.dtype
    order, mask = np.random.default_rng(0).permutation(len(x))[:9], y[:, 0] == 1
    for chosen in (slice(None), slice(3, 7), order, -order, mask, 5, -1):
        np.testing.assert_array_equal(read.x[chosen], x[chosen])
    np.testing.assert_array_equal(taken(read.x, mask).taken(order[:3] % 5)[1:], x[mask][order[:3] % 5][1:])
    np.testing.assert_array_equal(np.asarray(read.x, "float32"), x.astype("float32"))
    assert read.names(order) == [names[row] for row in order]
    for label in ("target", "identity"):
        np.testing.assert_array_equal(rows_of(examples, "train", label)[1], arrays(examples, "train", label)[2])
    with pytest.raises(IndexError, match="below"):
        read.x[np.array([len(x)])]


def test_batches_are_the_same_in_memory_and_streamed(examples, streamed):
    an_epoch = steps(examples.schema(), "train", 16)
    settings = {"seed": 3, "augment": ("flip", "shift"), "beside": "identity"}

    def drawn(count, **more):
        return list(batches(examples, "train", 16, **settings, **more).take(count).as_numpy_iterator())

    held = drawn(2 * an_epoch)
    streamed()
    for (x, (y, people)), (x_read, (y_read, people_read)) in zip(
        held + held[an_epoch:], drawn(2 * an_epoch) + drawn(an_epoch, first_epoch=1), strict=True
    ):
        np.testing.assert_array_equal(x, x_read)
        np.testing.assert_array_equal(y, y_read)
        np.testing.assert_array_equal(people, people_read)


def test_without_augmentation_an_epoch_is_a_permutation_that_its_seed_and_number_tell(examples, streamed):
    """What trainings of before rest on."""
    _, x, y = arrays(examples, "train")
    order = tf.random.experimental.stateless_shuffle(tf.range(len(x)), tf.constant([7, 2], tf.int64)).numpy()
    streamed()
    (found, labels), *_ = batches(examples, "train", 16, seed=7, first_epoch=2).take(1).as_numpy_iterator()
    np.testing.assert_array_equal(found, x[order[:16]].astype("float32"))
    np.testing.assert_array_equal(labels, y[order[:16]])


def test_what_an_older_version_wrote_without_an_index_is_read_as_well(examples, tmp_path):
    shutil.copytree(examples.uri, tmp_path / "older")
    indices = list((tmp_path / "older").glob(f"*{INDEX}"))
    for path in indices:
        path.unlink()
    older = Examples(str(tmp_path / "older"))
    assert indices and arrays(older, "test")[0] == arrays(examples, "test")[0]
    for found, wanted in zip(rows_of(older, "test"), rows_of(examples, "test"), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_damaged_shard_is_told_when_it_is_read(examples, tmp_path, streamed):
    shutil.copytree(examples.uri, tmp_path / "damaged")
    shard = next((tmp_path / "damaged").glob("train-*.tfrecord"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    streamed()
    read = Split(Examples(str(tmp_path / "damaged")), "train")
    with pytest.raises(InputError, match=rf"{shard.name} is damaged at byte \d+; remove"):
        read.x[:]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_numbers_of_half_precision_stay_as_they_are_until_the_batch(examples, tmp_path, streamed, dtype):
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    x = np.random.default_rng(0).normal(size=(4, 3, 2, 1)).astype(kind)
    shard = str(tmp_path / "train-00-of-08.tfrecord")
    with tf.io.TFRecordWriter(shard) as writer:
        for row in range(4):
            target = [row % 2] * len(examples.schema().target)
            writer.write(encode_example({"name": f"{row}", "x": x[row].tobytes(), "target": target}))
    write_index(shard)
    told = json.loads(pathlib.Path(examples.path("schema.json")).read_text()) | {"dtype": dtype, "shape": [3, 2, 1]}
    (tmp_path / "schema.json").write_text(json.dumps(told | {"splits": {"train": 4}}))
    half = Examples(str(tmp_path))
    assert Split(half, "train").x.nbytes == x.nbytes
    for change in (lambda: None, streamed):
        change()
        rows = [row for row, _ in batches(half, "train", 1, seed=0).take(4).as_numpy_iterator()]
        assert rows[0].dtype == np.float32
        assert sorted(row.tobytes() for row in rows) == sorted(row.astype("float32").tobytes() for row in x)


def test_a_process_holds_a_quarter_of_the_machine_or_what_it_is_told(monkeypatch):
    monkeypatch.delenv(memory.VARIABLE, raising=False)
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < memory.allowed() <= pages // 4
    monkeypatch.setenv(memory.VARIABLE, "12")
    assert memory.allowed() == 12
