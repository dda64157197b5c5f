"""Every defence by the same rules: settings, flags, names, networks, costs; and one from outside."""

import argparse
import dataclasses
import json

import keras
import numpy as np
import pytest

from datamix_tf import defences
from datamix_tf.defences import (
    STRIDED,
    Cloud,
    DataMix,
    Defence,
    Edge,
    NetworkSpec,
    SignalContentAlone,
    flags_of,
    register,
)
from datamix_tf.defences.base import raw_bytes
from datamix_tf.obfuscation.signal import front_of
from datamix_tf.settings import settings_of
from datamix_tf.transmission import transmitted

SPEC = NetworkSpec((32, 32, 3), 2, True, 1, (120.0,) * 3, (3000.0,) * 3, width=8, hidden_units=4, seed=0)
KINDS = [kind for kind in defences.all_defences().values() if kind.__module__.startswith("datamix_tf.")]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.id)
def defence(request):
    small = {"signal_rank": 4, "bottleneck_units": 6, "generator_width": 4, "channels": 4}
    kind = request.param
    names = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: value for name, value in small.items() if name in names})


def made(defence):
    """Its network as far as it can be made without training, and what that is built for."""
    spec = dataclasses.replace(SPEC, backbone=(defence.backbones or ("resnet18",))[0])
    if defence.starts_from is None:
        model = defence.trained_as.build(spec)
    else:
        model = defence.starts_from.build(spec)
    x = np.random.default_rng(1).uniform(0, 255, (8, 32, 32, 3)).astype("float32")
    for stage in defence.stages(4, 2):
        model = stage.change(model, spec, lambda: (x, np.arange(8) % 2)) if stage.change else model
    return model, spec


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


def test_ours_stand_in_the_order_of_the_papers_tables():
    ids = ["edge", "cloud", "edge_half", "noise", "blur", "anonymizer", "mixup", "obfuscation", "datamix"]
    assert [kind.id for kind in KINDS][:11] == [*ids, "obfuscated_datamix", "bottleneck"]


def test_a_defence_comes_back_from_its_description(defence):
    described = json.loads(json.dumps(defences.to_dict(defence)))
    assert defences.from_dict(described) == defence
    assert type(defence).of({"other": 1, **defence.settings}) == defence


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


def test_edge_and_cloud_run_one_network():
    assert Edge().trained_as == Cloud() and Cloud().model_name == "plain"


def test_an_unknown_method_is_named_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"no method 'other'; there are edge, cloud, .*--plugin MODULE"):
        defences.get("other")


def test_two_defences_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two methods 'datamix'"):

        @register
        class Other(DataMix):
            id = "datamix"

    with pytest.raises(ValueError, match="has none"):

        @register
        class Nameless(Defence):
            pass


def test_the_normalisation_of_every_network_has_the_train_split_s_statistics(defence):
    model, _ = made(defence)
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Normalization)]
    assert len(layers) == 1 and np.allclose(np.ravel(layers[0].mean), 120)


def test_the_most_coefficients_are_what_the_cloud_s_first_layers_see():
    spec = dataclasses.replace(SPEC, width=4)
    network = spec.network()
    sent = network.get_layer(spec.pre_layer(STRIDED)).output
    basis, _ = front_of(keras.Model(sent, network.outputs[0])).decompose()
    most = basis.shape[1]
    SignalContentAlone(signal_rank=most).check(4)
    with pytest.raises(ValueError, match=f"--signal_rank must be at most .* = {most}; received {most + 1}"):
        SignalContentAlone(signal_rank=most + 1).check(4)
