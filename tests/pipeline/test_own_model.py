"""`--model`: a network of a user's own in a run."""

import json
import pathlib
import re

import pytest

from components.errors import InputError
from components.storage.artifacts import Models
from components.training import models as trained_models
from components.training.own_model import import_model
from datamix_tf.cut_proposals import evenly
from pipeline import own_model
from pipeline.costs import lines
from pipeline.datasets import open_dataset
from pipeline.experiments.plan import plan
from pipeline.experiments.rows import rows_of
from pipeline.options.run_options import parse
from pipeline.run import main
from tests import datasets, own_models

METHODS = (
    "edge,cloud,noise,blur,anonymizer,mixup,datamix,linear_cloud,edge_head,split,pruning,clipped_noise,obfuscation"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return own_models.saved(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return str(datasets.pictures(tmp_path_factory.mktemp("data") / "faces", n=120))


def brought(model, folder, *more):
    options = parse(["--model", model, "--dataset", "avatars", *more])[0]
    return own_model.brought(options, "image", str(folder))


def test_pictures_have_the_size_that_the_model_takes_or_what_is_asked_for(model, tmp_path):
    assert brought(model, tmp_path)[1].image_size == (16, 16)
    assert brought(model, tmp_path, "--image_size", "24")[1].image_size == (24, 24)


def test_every_defence_stands_in_front_of_it_or_behind_its_cut(model, tmp_path):
    source = open_dataset("avatars", seed=0, examples=8, data_dir=None)
    more = ["--split_after", "relu", "--methods", METHODS, "--signal_rank", "4", "--pruned_channels", "2"]
    more += ["--anonymizer", "4"]
    network, options = brought(model, tmp_path, *more)
    found = {line.row.defence.id: line for line in lines(options, source, network=network)}
    assert set(found) == set(METHODS.split(","))
    conv, sent = 7 * 7 * 6 * 27, 4 * 7 * 7 * 6
    for method in ("split", "clipped_noise"):
        assert (found[method].costs.macs, found[method].costs.bytes_up) == (conv, sent)
    mixed = found["datamix"].costs  # each of the group's 8 mixes 294 numbers and de-mixes the classifier's 24
    assert mixed.macs == conv + 8 * (7 * 7 * 6 + 24) + 24 * 16 and mixed.bytes_up == sent
    assert (found["pruning"].costs.bytes_up, found["noise"].costs.bytes_up) == (sent // 3, 4 * 16 * 16 * 3)
    assert found["obfuscation"].costs.bytes_up == 4 * 3 * 3 * 4
    assert found["obfuscation"].label == "signal content of rank 4, N_pre=1"


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ("--methods datamix,bottleneck", "bottleneck has a network of its own and no use for --model"),
        ("--methods datamix,removal_trained", "removal_trained needs --backbone splitnet; received --model"),
        ("--num_pre_blocks 2 --split_after relu", "--num_pre_blocks 2 needs as many layers in --split_after; received"),
    ],
)
def test_what_does_not_fit_is_refused(flags, text, model, tmp_path):
    network, options = brought(model, tmp_path, *flags.split())
    with pytest.raises(InputError, match=text):
        plan(rows_of(options), options, ("identity",), network)


def test_a_cut_needs_a_model():
    with pytest.raises(InputError, match="--split_after names a layer of --model FILE; give that, too"):
        parse(["--split_after", "relu"])


def test_costs_of_cuts_are_told_without_data(model, tmp_path, capsys):
    assert main(["--model", model, "--costs", "--max_bytes_up", "1000", "--output", str(tmp_path / "run")]) == 0
    told = capsys.readouterr().out
    assert "a new dense layer 'head' of 16 outputs takes the place of 'head' with 5 outputs" in told
    assert "| relu | 7,938 (40 %) | 180 | 1,176 | 7x7x6 | above --max_bytes_up |" in told
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ("--split_after nothing", "has no layer named --split_after 'nothing'. Its layers: 'input', 'scale', 'conv'"),
        ("--split_after relu --split_before conv", "does not come after"),
        ("--max_edge_macs 10", r"no cut of .* has at most 10 multiply-adds .* the least are 7,938 and 96"),
    ],
)
def test_a_cut_that_cannot_be_is_one_line(flags, text, model, faces, capsys):
    # All in one folder: what is in front of the cutter is done once.
    asked = ["--model", model, "--dataset", f"folder:{faces}", "--output", f"{faces}-run", "--to_node", "cutter"]
    assert main([*asked, *flags.split()]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ") and re.search(text, error)


@pytest.mark.slow
def test_from_a_model_to_bundles(model, faces, tmp_path, capsys):
    """The chain: a cut is proposed, the model is trained plainly and through the mixing, packaged and asked."""
    asked = ["--model", model, "--dataset", f"folder:{faces}", "--output", str(tmp_path / "run")]
    asked += ["--methods", "cloud,datamix", "--epochs", "1", "--attack_epochs", "0", "--group_size", "4"]
    assert main([*asked, "--batch_size", "16"]) == 0
    told = capsys.readouterr().out
    assert "**proposed**, N_pre = 1" in told and "DataMix with a linear path, N_pre=1, S_G=4" in told
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    row = metrics["rows"][1]["settings"]
    assert row["backbone"] == model and row["split_before"] == "head" and len(row["split_after"]) == 1
    assert (tmp_path / "run" / "edge" / "pre.tflite").exists()
    agreement = json.loads((tmp_path / "run/artifacts/packager/package/agreement.json").read_text())
    assert agreement["chained"] < 1e-4
    assert main([*asked, "--batch_size", "16"]) == 0
    assert capsys.readouterr().err.count("unchanged, taken from before") == 10


def test_a_cut_is_proposed_and_trained_at(model, faces, capsys):
    output = f"{faces}-run"
    asked = ["--model", model, "--dataset", f"folder:{faces}", "--output", output, "--to_node", "trainer"]
    asked += ["--methods", "datamix", "--epochs", "1", "--batch_size", "16", "--group_size", "4"]
    assert main(asked) == 0
    assert "**proposed**, N_pre = 1" in capsys.readouterr().out
    trained = trained_models.load(Models(f"{output}/artifacts/trainer/models"), "datamix-pre1-group4-linear-seed0")
    found = json.loads(pathlib.Path(output, "artifacts/cutter/cuts/cuts.json").read_text())
    assert trained.pre.layers[-2].name == found["chosen"][0] == "relu" and trained.pre.layers[-1].name == "standardize"
    assert all(0 <= cut["target"]["n"] <= 60 for cut in found["cuts"] if "target" in cut)
    # Its weights are those of the file: an epoch moves them little.
    kernel = import_model(model, f"{output}/again", weights="none", size=None, seed=0).load().get_layer("base")
    moved = trained.pre.get_layer("conv").get_weights()[0] - kernel.get_layer("conv").get_weights()[0]
    assert 0 < abs(moved).max() < 0.1


def test_evenly_keeps_the_ends():
    assert evenly("abcdefg", 3) == ["a", "d", "g"] and evenly("ab", 3) == ["a", "b"] and evenly("ab", 0) == []
