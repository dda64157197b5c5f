"""A training that was killed goes on to the very weights that it would have had."""

import dataclasses

import numpy as np
import pytest

from components import checkpoint
from components.networks import ModelConfig
from components.trainer import train
from tests import datasets
from tests.components.test_ingest import ingest, transform

SHORT = ModelConfig(
    method="datamix",
    level=0.0,
    num_pre_blocks=3,
    group_size=4,
    hidden_units=8,
    width=4,
    epochs=3,
    batch_size=32,
    curriculum=0.5,
    standardize=True,
    learning_rate=3e-3,
    weight_decay=0.01,
    augment=("shift", "flip"),
    seed=0,
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
        ({}, 2),
        ({"method": "mixup", "group_size": 1, "num_pre_blocks": 0}, 1),
        ({"method": "anonymizer", "level": 4.0, "group_size": 1, "num_pre_blocks": 0, "people": "identity"}, 1),
        ({"bottleneck_units": 8, "bottleneck_bits": 16.0}, 1),
        ({"signal_rank": 8}, 3),  # in the second stage, whose network is made of what the first one learned
    ],
    ids=["datamix", "mixup", "anonymizer", "bottleneck", "signal content"],
)
def test_a_killed_training_ends_as_if_it_had_not_been(examples, tmp_path, monkeypatch, changes, kill_after):
    config = dataclasses.replace(SHORT, **changes)
    if config.signal_rank:
        config = dataclasses.replace(config, epochs=6)  # the second stage has two of them
        kill_after = 5
    whole, record = train(config, examples, str(tmp_path / "whole"))
    save = checkpoint.Checkpoint.on_epoch_end
    saved = []

    def killed(self, epoch, logs=None):
        save(self, epoch, logs)
        saved.append(epoch)
        if len(saved) == kill_after:
            raise KilledError

    monkeypatch.setattr(checkpoint.Checkpoint, "on_epoch_end", killed)
    with pytest.raises(KilledError):
        train(config, examples, str(tmp_path / "stopped"))
    monkeypatch.setattr(checkpoint.Checkpoint, "on_epoch_end", save)
    resumed, again = train(config, examples, str(tmp_path / "stopped"))
    assert again["history"] == record["history"]
    for value, wanted in zip(resumed.variables, whole.variables, strict=True):
        np.testing.assert_array_equal(value.numpy(), wanted.numpy())
