"""Attacks on splits that are read from disk, and on parts of very large ones."""

import dataclasses
import os
import weakref

import numpy as np
import pytest

from components.attacker import AttackConfig, run_attack
from components.storage import memory
from components.storage.artifacts import Models
from components.training import splits
from components.training.networks import build_model
from datamix_tf import sampling
from datamix_tf.attacks.registry import ATTACKS
from datamix_tf.defences import DataMix
from tests import datasets
from tests.components.ingest import ingest, transform
from tests.components.test_chain import CONFIG

MODEL = dataclasses.replace(CONFIG, backbone="splitnet", defence=DataMix(2, 4))


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacker")
    return transform(ingest(datasets.pictures(folder / "faces", n=150), folder), folder)


@pytest.fixture(scope="module")
def models(examples, tmp_path_factory):
    """A model that nobody has trained."""
    folder = tmp_path_factory.mktemp("models")
    os.mkdir(folder / MODEL.name)
    build_model(MODEL, examples.schema()).save(folder / MODEL.name / "model.keras")
    return Models(str(folder))


@pytest.fixture
def streamed(monkeypatch):
    """A function that lets this process hold no split from now on."""

    def forget():
        monkeypatch.setenv(memory.VARIABLE, "0")
        monkeypatch.setattr(splits, "_held", weakref.WeakValueDictionary())

    return forget


@pytest.mark.parametrize(
    ("attack", "label"),
    [
        ("probe", "identity"),
        ("reuse_spans", "target"),
        pytest.param("label", "identity", marks=pytest.mark.slow),
        pytest.param("key_fastica_gradients", "target", marks=pytest.mark.slow),
        pytest.param("linker_energies", "target", marks=pytest.mark.slow),
        pytest.param("membership_group", "target", marks=pytest.mark.slow),
        pytest.param("membership_span", "target", marks=pytest.mark.slow),
        pytest.param("known_one", "target", marks=pytest.mark.slow),
    ],
)
def test_an_attack_says_the_same_of_splits_in_memory_and_on_disk(examples, models, streamed, attack, label):
    config = AttackConfig(MODEL.name, label, attack, epochs=1, batch_size=16, min_examples=2, groups=4)
    held, _ = run_attack(config, examples, models)
    streamed()
    read, _ = run_attack(config, examples, models)
    assert not held.skipped and (read.n, read.measure) == (held.n, held.measure)
    np.testing.assert_allclose((read.score, read.chance), (held.score, held.chance), rtol=1e-3, atol=1e-3)


def test_of_very_many_examples_a_part_is_taken_and_told(examples, models, streamed, monkeypatch):
    monkeypatch.setattr(sampling, "MOST_ROWS", 16)
    streamed()
    size = examples.schema().splits
    learned = []
    fit = ATTACKS.get("probe").make

    def watched(subject):
        attack = fit(subject)
        monkeypatch.setattr(attack, "fit", lambda train, valid: learned.append((train, valid)))
        return attack

    for streams, wanted in ((True, size["train"]), (False, 16)):
        monkeypatch.setitem(
            ATTACKS.items, "probe", dataclasses.replace(ATTACKS.get("probe"), make=watched, streams=streams)
        )
        learned.clear()
        with pytest.raises(AttributeError):  # nothing was fitted
            run_attack(AttackConfig(MODEL.name, attack="probe"), examples, models)
        (((x, y), (held_out, _)),) = learned
        assert len(x) == len(y) == wanted and len(held_out) == 16
        assert isinstance(x, np.ndarray) != streams
    monkeypatch.setitem(ATTACKS.items, "probe", dataclasses.replace(ATTACKS.get("probe"), make=fit, streams=True))
    score, _ = run_attack(AttackConfig(MODEL.name, attack="probe"), examples, models)
    assert score.n == 16 and score.details["parts"] == {"valid": [16, size["valid"]], "test": [16, size["test"]]}
