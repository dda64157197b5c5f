"""What a user is told at the moment of use."""

import dataclasses
import json
import logging
import pathlib

import numpy as np
import pytest
from PIL import Image
from starlette.responses import Response

from serving.edge.__main__ import main
from serving.edge.bundle import load_manifest
from serving.edge.manifest import Manifest, MeasuredAttack
from serving.edge.notices import notices, worst
from tests.serving.running import running

LINKED = MeasuredAttack("key by FastICA (gradients)", "linked", "key_agreement", 0.999, 0.65, 8)
SINGLE = MeasuredAttack("label", "single", "balanced_accuracy", 0.7, 0.5, 100)
POOLED = MeasuredAttack("key of shuffled groups", "pooled", "key_agreement", 0.7, 0.65, 8)
DIRECT = {"oblivious": False, "token": False, "drawn": False, "inputs_per_group": 4, "signed": False, "counted": True}


@pytest.fixture
def described(deployed):
    return load_manifest(deployed.edge)


def test_the_worst_attack_on_this_model_is_told(described):
    measured = dataclasses.replace(described, attacks=(SINGLE, LINKED, POOLED))
    assert Manifest.from_json(measured.to_json()) == measured
    assert worst(measured.attacks) == LINKED and worst(()) is None
    first, second = notices(measured, "http://127.0.0.1:8501", **DIRECT)
    assert "key by FastICA (gradients) reached 99.9 % agreement with the key on this model (guessing: 65.0 %" in first
    assert "without a relay" in first and "nobody but you knows the covers" in second
    assert "maker is honest" in second and "plain http" not in second
    first, _ = notices(measured, "https://relay", **DIRECT | {"oblivious": True})
    assert "label reached 70.0 % balanced accuracy" in first and "not measured" not in first
    first, second = notices(
        dataclasses.replace(described, attacks=(LINKED,)),
        "https://relay",
        **DIRECT | {"oblivious": True, "token": True},
    )
    assert "was not measured" in first and "FastICA" not in first and "many users share the token" in second


def test_what_was_not_measured_is_said(described):
    first, second = notices(described, "http://cloud.example:8501", **DIRECT | {"token": True, "signed": True})
    assert "what attacks make of this model was not measured" in first
    assert "nobody reads the token and what is sent on its way" in second and "maker" not in second
    assert "no other process sends them" in notices(described, "https://x", **DIRECT | {"counted": False})[1]
    drawn = DIRECT | {"drawn": True, "inputs_per_group": 1, "signed": True}
    assert notices(described, "https://cloud.example", **drawn)[1] == "this assumes: nothing more"
    assert "share a group" in notices(described, "https://x", **drawn | {"inputs_per_group": 4})[1]


def test_a_client_tells_it_once_and_says_nothing_if_asked_to(make, inputs, caplog):
    caplog.set_level(logging.WARNING, "serving.edge")
    client = make()
    assert not caplog.messages
    for _ in range(3):
        client.predict(inputs)
    assert [message.split(":")[0] for message in caplog.messages].count("not protected") == 1
    caplog.clear()
    make(quiet=True).predict(inputs)
    assert not caplog.messages


@pytest.fixture
def pictures(tmp_path):
    for name in ("me.png", *(f"covers/{number}.png" for number in range(6))):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng().integers(0, 256, (9, 9, 3), np.uint8)).save(path)
    return tmp_path


@pytest.fixture
def predict(deployed, pictures, capsys):
    """Runs the command in this process; its status, output and lines of error."""

    def run(url, *arguments, bundle=deployed.edge):
        asked = ["predict", "--bundle", bundle, "--url", url, "--covers", str(pictures / "covers"), *arguments]
        status = main([*asked, str(pictures / "me.png")])
        captured = capsys.readouterr()
        return status, captured.out, captured.err.splitlines()

    return run


def test_the_command_counts_covers_across_processes(predict, server, state):
    """Six covers, three for each query: the third query has none that was not sent before."""
    seen = []
    for _ in range(3):
        assert predict(server.rest_url)[0] == 0
        counts = json.loads(pathlib.Path(state, "datamix_tf", "cover_uses.json").read_text())
        seen.append(sorted(counts.values()))
    assert seen == [[1] * 3, [1] * 6, [1] * 3 + [2] * 3]
    assert pathlib.Path(state, "datamix_tf", "cover_uses.json").stat().st_mode & 0o77 == 0


def test_the_command_says_when_covers_are_few_and_come_again(predict, server, caplog, tmp_path):
    uses = str(tmp_path / "uses.json")
    for words in (
        "covers: a small pool, 3 are left that were never sent, 3 are sent now",
        "covers: a small pool, 0 are left that were never sent",
        "covers: 3 of the 3 that are sent now were sent before",
    ):
        caplog.clear()
        assert predict(server.rest_url, "--uses_file", uses)[0] == 0
        assert words in caplog.text and "not protected: " in caplog.text and "this assumes: " in caplog.text
    caplog.clear()
    status, _, errors = predict(server.rest_url, "--uses_file", uses, "--quiet")
    assert status == 0 and not caplog.text and len(errors) == 1 and errors[0].startswith("sent ")


def test_counts_that_cannot_be_kept_are_one_error(predict, server, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").write_text("[")
    (tmp_path / "other").write_text('{"a": "b"}')
    for name, words in (("folder", "directory"), ("broken", "delete it"), ("other", "delete it")):
        status, out, errors = predict(server.rest_url, "--uses_file", str(tmp_path / name))
        assert status == 1 and not out and "cannot keep count of the covers" in errors[-1] and words in errors[-1]


@pytest.mark.parametrize("status", [400, 404, 500])
def test_what_a_server_says_does_not_steer_the_terminal(predict, status):
    steering = b"\x1b]0;owned\x07\x1b[2J\x1b[1;1H\r\nerror: all is well\n\x9b31m\xe2\x80\xae"
    with running(Response(steering, status)) as url:
        code, out, errors = predict(url, "--quiet")
    assert code == 1 and not out and len(errors) == 1
    assert all(character.isprintable() for character in errors[0]) and "\\x1b[2J" in errors[0]


def test_what_a_bundle_calls_its_labels_does_not_steer_the_terminal(deployed, predict, server, tmp_path):
    import shutil

    bundle = shutil.copytree(deployed.edge, tmp_path / "edge")
    described = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps(described | {"labels": ["\x1b[2J", "b\n", "c"]}))
    status, out, _ = predict(server.rest_url, bundle=str(bundle))
    assert status == 0 and "\x1b" not in out and out.count("\n") == 1 and "\\x1b[2J" in out
