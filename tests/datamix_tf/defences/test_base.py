"""Every defence by the same rules: settings, flags, networks, costs."""

import argparse
import dataclasses

import keras
import numpy as np
import pytest

from datamix_tf.defences import Cloud, flags_of
from datamix_tf.defences.base import raw_bytes
from datamix_tf.settings import settings_of
from datamix_tf.transmission import transmitted
from tests.datamix_tf.defences.kinds import SPEC, made


def test_every_stage_leaves_something_to_train(defence):
    stages = defence.stages(10, 3)
    assert sum(stage.epochs for stage in stages) == (10 if defence.starts_from is None else stages[0].epochs)
    assert any(stage.adversary for stage in stages) == defence.needs_people
    model, _ = made(defence)
    for stage in stages:
        if stage.epochs and not stage.wrapped:
            for layer in stage.frozen(model):
                layer.trainable = False
            assert model.trainable_variables


def test_every_setting_with_a_flag_is_explained_and_checked(defence):
    flags = flags_of(type(defence))
    settings = settings_of(defence)
    assert set(flags) <= set(settings)
    assert all(found.help and (found.expected or found.choices) for found in settings.values())
    for name in flags:
        with pytest.raises(ValueError, match=f"--{flags[name].name} must be .*; received -1"):
            dataclasses.replace(defence, **{name: -1}).check(8)


def test_options_ask_for_variants(defence):
    kind, flags = type(defence), flags_of(type(defence))
    options = argparse.Namespace(**{flag.name: flag.default for flag in flags.values()})
    count = np.prod([len(flag.default) if isinstance(flag.default, tuple) else 1 for flag in flags.values()], dtype=int)
    found = kind.variants(options)
    assert len(found) == len(set(found)) == count and len({variant.label for variant in found}) == count
    assert len({variant.model_name for variant in found}) == count


def test_the_network_answers_and_the_costs_are_those_of_what_is_sent(defence):
    model, spec = made(defence)
    x = np.random.default_rng(0).uniform(0, 255, (8, 32, 32, 3)).astype("float32")
    assert model(x, training=False).shape == (8, 2)
    costs = defence.costs(model, spec)
    if defence.sends_nothing:
        assert (costs.bytes_up, costs.bytes_down) == (0, 0) and costs.macs > 0 and defence.leakage == 0
        return
    sent = np.asarray(transmitted(model, seed=0)(x, training=False))
    if isinstance(defence, Cloud):
        assert costs.bytes_up == raw_bytes(SPEC) and (costs.params, costs.macs) == (0, 0)
    elif defence.id == "pruning":  # zeros are not sent
        assert costs.bytes_up == 4 * np.count_nonzero(np.abs(sent).sum((0, 1, 2))) * sent[0, ..., 0].size
    elif defence.id != "blur":  # whose few pixels are sent, a byte each
        assert costs.bytes_up == 4 * sent[0].size
    assert costs.bytes_down > 0
    for reference in defence.references(model).values():
        assert np.asarray(reference(x, training=False)).shape == (8, 2)


def test_the_normalisation_of_every_network_has_the_train_split_s_statistics(defence):
    model, _ = made(defence)
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Normalization)]
    assert len(layers) == 1 and np.allclose(np.ravel(layers[0].mean), 120)
