"""A training that was killed goes on to the weights that it would have had."""

import dataclasses

import numpy as np
import pytest

from components import checkpoint
from components.trainer import train
from tests import datasets
from tests.components.test_chain import CONFIG
from tests.components.test_ingest import ingest, transform

SHORT = dataclasses.replace(
    CONFIG, num_pre_blocks=3, hidden_units=8, width=4, epochs=3, batch_size=32, augment=("shift", "flip")
)
UNMIXED = {"group_size": 1, "num_pre_blocks": 0}


class KilledError(Exception):
    """What stands for a kill: nothing after it runs."""


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    return transform(ingest(datasets.pictures(folder / "faces", n=150), folder), folder)


@pytest.mark.parametrize(
    ("changes", "kill_after"),
    [
        pytest.param({"bottleneck_units": 8, "bottleneck_bits": 16.0}, 1, id="bottleneck"),
        pytest.param({}, 2, id="datamix", marks=pytest.mark.slow),
        pytest.param({**UNMIXED, "method": "mixup"}, 1, id="mixup", marks=pytest.mark.slow),
        pytest.param(
            {**UNMIXED, "method": "anonymizer", "level": 4.0, "people": "identity"},
            1,
            id="anonymizer",
            marks=pytest.mark.slow,
        ),
        # In the second stage, whose network is made of what the first one learned: it has two of six epochs.
        pytest.param({"signal_rank": 8, "epochs": 6}, 5, id="signal content", marks=pytest.mark.slow),
    ],
)
def test_a_killed_training_ends_as_if_it_had_not_been(examples, tmp_path, monkeypatch, changes, kill_after):
    config = dataclasses.replace(SHORT, **changes)
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
    # Alone in a process the two are equal bit by bit. Behind other work TensorFlow's threads may sum in another order,
    # and Adam makes steps of up to the learning rate of what was rounding; another batch or key changes far more.
    np.testing.assert_allclose(again["history"]["loss"], record["history"]["loss"], rtol=1e-3)
    for value, wanted in zip(resumed.variables, whole.variables, strict=True):
        if "seed" in value.name:
            np.testing.assert_array_equal(value.numpy(), wanted.numpy())
        else:
            np.testing.assert_allclose(value.numpy(), wanted.numpy(), atol=SHORT.learning_rate, rtol=1e-2)
