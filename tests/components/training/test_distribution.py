"""Several replicas train one model as one would: the same batches, keys, noise and statistics; and who listens."""

import concurrent.futures
import dataclasses
import json
import multiprocessing
import os
import pathlib
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from components.caching.result_cache import cache_path
from components.storage.artifacts import write_json
from components.trainer import Trainer, train_together
from components.trainer import __name__ as trainer_module
from components.training import distribution
from components.training.distribution import Distribution, train_distributed
from datamix_tf.defences import Anonymizer, DataMix, MixedBottleneck
from examples.add_a_defence import ShuffledPatches
from tests import datasets
from tests.components.ingest import ingest, transform
from tests.components.test_chain import CONFIG
from tests.listening import listening

DATAMIX = dataclasses.replace(CONFIG, backbone="splitnet", defence=DataMix(1, 8), epochs=3, batch_size=32)
BOTTLENECK = dataclasses.replace(DATAMIX, defence=MixedBottleneck(8, 8, 16.0), epochs=2)
ANONYMIZER = dataclasses.replace(DATAMIX, defence=Anonymizer(4.0), people="identity")


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distribution")
    return transform(ingest(datasets.pictures(folder / "faces", n=200), folder), folder)


def kept_at(config, examples, keep):
    return cache_path(str(keep), config.to_dict() | {"plugin": {}}, examples, trainer_module)


def record(folder):
    return json.loads((pathlib.Path(folder) / "training.json").read_text())


def weights(folder):
    model = keras.saving.load_model(os.path.join(folder, "model.keras"), compile=False)
    return [np.asarray(value) for value in model.get_weights()]


@pytest.mark.parametrize(
    "configs",
    [
        pytest.param([DATAMIX], id="datamix"),
        pytest.param([BOTTLENECK], id="bottleneck", marks=pytest.mark.slow),
        pytest.param([ANONYMIZER], id="anonymizer", marks=pytest.mark.slow),
    ],
)
def test_two_replicas_train_as_one(examples, tmp_path, monkeypatch, configs):
    # In float64: in float32 each step raises the differences of rounding tenfold, and hides all others behind them.
    (tmp_path / "keras.json").write_text(json.dumps({"floatx": "float64", "backend": "tensorflow"}))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    trainer = Trainer(models=configs, keep=str(tmp_path / "distribution"), distribution=Distribution(replicas=2))
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        train = process.submit(trainer.run, {"examples": examples}, str(tmp_path / "trainer"))
        models = train.result()["models"]
        for config in configs:
            alone = process.submit(train_together, config, examples, str(tmp_path / "alone")).result()
            found, expected = record(models.path(config.name))["history"], record(alone)["history"]
            assert set(found) == set(expected) and len(found["loss"]) == config.epochs
            np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-6, err_msg=config.name)
            for value, wanted in zip(weights(models.path(config.name)), weights(alone), strict=True):
                assert value.dtype == wanted.dtype
                np.testing.assert_allclose(value, wanted, rtol=1e-6, atol=1e-6, err_msg=config.name)


def test_replicas_of_one_machine_listen_nowhere(examples, tmp_path):
    """A process that looks at the training from outside finds no port to talk to."""
    job = str(tmp_path / "job.json")
    write_json(job, {"models": [DATAMIX.to_dict()], "modules": [], "examples": examples.uri, "keep": str(tmp_path)})
    command = [sys.executable, "-m", "components.training.train_worker", "--job", job, "--replicas", "2"]
    seen = set()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as worker:
        while worker.poll() is None:
            seen |= listening(worker.pid)
            time.sleep(0.1)
    assert worker.returncode == 0 and len(record(kept_at(DATAMIX, examples, tmp_path))["history"]["loss"]) == 3
    assert seen == set()


def test_workers_say_loudly_where_they_listen(tmp_path):
    """The port that the line names is the one that opens."""
    (tmp_path / "job.json").write_text(json.dumps({"models": [], "modules": []}))
    with socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.bind(("127.0.0.1", 0))
        ports = [one.getsockname()[1] for one in (first, second)]
    workers = ",".join(f"127.0.0.1:{port}" for port in ports)
    command = [
        sys.executable,
        "-m",
        "components.training.train_worker",
        "--job",
        str(tmp_path / "job.json"),
        "--workers",
        workers,
    ]
    with subprocess.Popen([*command, "--index", "0"], stderr=subprocess.PIPE, text=True) as worker:
        try:
            line = next(line for line in worker.stderr if line.startswith("***"))
            assert f"ON ALL INTERFACES, PORT {ports[0]}" in line and "private network only" in line
            end = time.monotonic() + 60
            while not (found := listening(worker.pid)):
                assert time.monotonic() < end
                time.sleep(0.1)
        finally:
            worker.kill()
    assert found == {("::", ports[0])}


def test_workers_are_told_which_modules_register_a_defence(monkeypatch, tmp_path):
    """A worker is a process of its own, which has not read the run's --plugin."""
    told = {}
    monkeypatch.setattr(distribution, "_run", lambda _, job: told.update(json.loads(pathlib.Path(job).read_text())))
    train_distributed(
        [dataclasses.replace(DATAMIX, defence=ShuffledPatches(4))], "x", str(tmp_path), Distribution(replicas=2)
    )
    assert told["modules"] == ["examples.add_a_defence"] and told["models"][0]["defence"]["id"] == "patch_shuffle"


@pytest.mark.slow
def test_a_team_that_was_killed_goes_on(examples, tmp_path):
    """The first worker alone is killed: the second ends too. Both begin again where they were, as one alone may."""
    keep, job = str(tmp_path), str(tmp_path / "job.json")
    longer = dataclasses.replace(DATAMIX, epochs=40)
    with socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.bind(("127.0.0.1", 0))
        workers = ",".join(f"127.0.0.1:{one.getsockname()[1]}" for one in (first, second))
    write_json(job, {"models": [longer.to_dict()], "modules": [], "examples": examples.uri, "keep": keep})
    command = [sys.executable, "-m", "components.training.train_worker", "--job", job, "--workers", workers, "--index"]
    team = [subprocess.Popen([*command, str(index)], stderr=subprocess.DEVNULL) for index in range(2)]
    checkpoint = kept_at(longer, examples, keep) + ".checkpoint"
    try:
        while not os.path.exists(os.path.join(checkpoint, "progress.json")):
            assert all(worker.poll() is None for worker in team)
    finally:
        team[0].kill()
        with_error = team[1].wait(timeout=240) if team[1].poll() is None else team[1].returncode
    assert with_error != 0
    finished = json.loads((pathlib.Path(checkpoint) / "progress.json").read_text())["epochs"]
    assert 1 <= finished < 40
    train_distributed([longer], examples.uri, keep, Distribution(replicas=2))
    assert len(record(kept_at(longer, examples, keep))["history"]["loss"]) == 40


@pytest.mark.slow
def test_a_worker_that_fails_ends_the_training(examples, tmp_path):
    wrong = dataclasses.replace(DATAMIX, optimizer="none")
    with pytest.raises(RuntimeError, match="training worker failed"):
        train_distributed([wrong], examples.uri, str(tmp_path), Distribution(replicas=2))
