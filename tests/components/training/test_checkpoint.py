"""A training that was killed goes on to the weights that it would have had, in memory or streamed."""

import concurrent.futures
import dataclasses
import multiprocessing
import os

import numpy as np
import pytest

from components.storage import memory
from components.trainer import train
from components.training import checkpoint, splits
from datamix_tf.defences import Anonymizer, DataMix, MixedBottleneck, Mixup, SignalContentMixed
from tests import datasets
from tests.components.ingest import ingest, transform
from tests.components.test_chain import CONFIG

SHORT = dataclasses.replace(
    CONFIG, backbone="splitnet", defence=DataMix(3, 4), epochs=3, batch_size=32, augment=("shift", "flip")
)


class KilledError(Exception):
    """What stands for a kill: nothing after it runs."""


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    return transform(ingest(datasets.pictures(folder / "faces", n=150), folder), folder)


@pytest.mark.parametrize(
    ("changes", "kill_after"),
    [
        pytest.param({"defence": MixedBottleneck(4, 8, 16.0)}, 1, id="bottleneck"),
        pytest.param({}, 2, id="datamix", marks=pytest.mark.slow),
        pytest.param({"defence": Mixup()}, 1, id="mixup", marks=pytest.mark.slow),
        pytest.param(
            {"defence": Anonymizer(4.0), "people": "identity"},
            1,
            id="anonymizer",
            marks=pytest.mark.slow,
        ),
        # In the second stage, whose network is made of what the first one learned: it has two of six epochs.
        pytest.param(
            {"defence": SignalContentMixed(3, 4, 8), "epochs": 6}, 5, id="signal content", marks=pytest.mark.slow
        ),
    ],
)
def test_a_killed_training_ends_as_if_it_had_not_been(examples, tmp_path, monkeypatch, changes, kill_after):
    # A process of its own with one thread: several may sum in another order from one training to the next. Without
    # oneDNN, which on one thread writes beyond its memory in networks as narrow as this (TensorFlow 2.21).
    settings = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    config = dataclasses.replace(SHORT, **changes)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        whole, resumed = process.submit(both, config, examples, str(tmp_path), kill_after).result()
    assert resumed["loss"] == whole["loss"] and len(whole["loss"]) >= SHORT.epochs
    for value, wanted in zip(resumed["values"], whole["values"], strict=True):
        np.testing.assert_array_equal(value, wanted)


def both(config, examples, folder, kill_after):
    """Losses and values of a training in memory that was left alone, and of a streamed one that was killed."""
    whole = _outcome(*train(config, examples, f"{folder}/whole"))
    os.environ[memory.VARIABLE] = "0"
    splits._held.clear()
    assert isinstance(splits.Split(examples, "train").x, splits.Rows)
    save = checkpoint.Checkpoint.on_epoch_end
    saved = []

    def killed(self, epoch, logs=None):
        save(self, epoch, logs)
        saved.append(epoch)
        if len(saved) == kill_after:
            raise KilledError

    checkpoint.Checkpoint.on_epoch_end = killed
    with pytest.raises(KilledError):
        train(config, examples, f"{folder}/stopped")
    checkpoint.Checkpoint.on_epoch_end = save
    return whole, _outcome(*train(config, examples, f"{folder}/stopped"))


def _outcome(model, record):
    return {"loss": record.history["loss"], "values": [value.numpy() for value in model.variables]}
