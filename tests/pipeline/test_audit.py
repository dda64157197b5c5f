"""The audit's command on a finished run, with and without a bottleneck."""

import json
import os

import numpy as np
import pytest

from datamix_tf.attacks.catalogue import OURS, PICTURES, get_attack
from datamix_tf.attacks.threat_models import THREATS
from pipeline.audit import main
from pipeline.run import main as run
from serving.edge.manifest import Manifest
from tests import datasets

SMALL = ["--backbone", "splitnet", "--image_size", "32", "--epochs", "1", "--batch_size", "32", "--attack_epochs", "0"]
#: One attack of each kind, at least one for each threat model; tests/datamix_tf/attacks/ runs them all.
SOME = (
    "one mixture",
    "FastICA on gradients",
    "pictures",
    "key by linker",
    "known",
    "span",
    "returned",
)
TINY = ["--attacks", ",".join(SOME), "--steps", "2", "--restarts", "1", "--groups", "2", "--attack_epochs", "1"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    faces = datasets.pictures(tmp_path_factory.mktemp("data") / "faces", n=200)
    output = str(tmp_path_factory.mktemp("run"))
    methods = ["--methods", "edge_half,datamix,bottleneck", "--bottleneck_units", "16", "--bottleneck_bits", "20"]
    methods += ["--no-quick_audit"]
    assert run(["--dataset", f"folder:{faces}", "--output", output, "--group_size", "4", *methods, *SMALL]) == 0
    return output


def test_a_run_with_a_bottleneck_is_packaged_with_its_noise(finished):
    with open(os.path.join(finished, "metrics.json"), encoding="utf-8") as file:
        rows = {row["method"]: row for row in json.load(file)["rows"]}
    row = rows["bottleneck"]
    alone = rows["edge_half"]
    assert alone["bytes_up"] == 0 and 0 < alone["edge_macs"] < 1.1 * row["edge_macs"]
    assert row["settings"]["bottleneck_units"] == 16 and row["settings"]["bottleneck_bits"] == 20
    assert row["bytes_up"] == 16 * 4 and row["bytes_up"] < rows["datamix"]["bytes_up"]
    with open(os.path.join(finished, "edge", "manifest.json"), encoding="utf-8") as file:
        manifest = Manifest.from_json(file.read())
    assert manifest.feature_shape == (16,) and np.isclose(manifest.noise_stddev, 2 ** (-20 / 16))


def test_every_threat_model_is_measured_and_a_second_audit_takes_up_the_first(finished, capsys):
    assert main([finished, "--models", "datamix-pre1-group4-linear-seed0", *TINY]) == 0
    report = capsys.readouterr().out
    assert all(f"- {threat}: a cloud that sees" in report for threat in THREATS)
    assert "membership by the group's span" in report and "not protected against it" in report
    with open(os.path.join(finished, "audit", "audit.json"), encoding="utf-8") as file:
        scores = json.load(file)["scores"]
    wanted = {spec.name for spec in OURS if spec.audited and any(part in spec.name for part in SOME)}
    assert {score["probe"] for score in scores} == wanted
    assert {score["name"] for score in scores if "identity" in score["name"]}  # hidden labels are read too
    assert all(score["seconds"] >= 0 and score["n"] > 0 for score in scores if "skipped" not in score)
    assert os.path.getsize(os.path.join(finished, "audit", "datamix-pre1-group4-linear-seed0.png")) > 0
    assert get_attack(PICTURES).name in report
    with open(os.path.join(finished, "report.html"), encoding="utf-8") as file:
        page = file.read()
    assert "linked: a cloud that sees" in page and "No audit of these models" not in page
    assert main([finished, *TINY, "--threats", "output,injected", "--verbose"]) == 0  # all models; the first's are kept
    captured = capsys.readouterr()
    assert "attack datamix" not in captured.err and "attack bottleneck16-bits20-group4-seed0" in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/nowhere"], "expected the output folder of a finished"),
        (["{empty}"], "has no artifacts/transform/examples/schema.json"),
        (["{run}", "--models", "plain-seed0"], "no mixing model 'plain-seed0'; it has datamix-pre1-group4-linear"),
        (["{run}", "--threats", "thunder"], "--threats must be of single, linked"),
        (
            ["{run}", "--attacks", "FastICA,lightning"],
            "--attacks must be ids, or parts of names, of label_network (a network on one mixture), key_fastica",
        ),
        (["{run}", "--groups", "0"], "--groups must be at least 1"),
    ],
)
def test_what_cannot_be_audited_is_explained(finished, tmp_path, capsys, arguments, message):
    arguments = [argument.format(run=finished, empty=tmp_path) for argument in arguments]
    assert main([*arguments, "--output", str(tmp_path / "audit"), "--keep", str(tmp_path / "kept")]) == 2
    assert message in capsys.readouterr().err
