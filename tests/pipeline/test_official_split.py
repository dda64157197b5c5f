"""`--split official` of data sets whose people are in one split each, as a user runs it."""

import json

import pytest

from pipeline.run import main
from tests.pipeline.datasets.builders.official_files import accept_files, write_celeb_a
from tests.pipeline.datasets.builders.test_lfwa import write_lfwa

EACH = 16
TINY = ["--backbone", "splitnet", "--image_size", "16", "--epochs", "1", "--no-quick_audit", "--attacks", "probe"]
TINY += ["--target", "Smiling,Male", "--group_size", "2", "--to_node", "evaluator"]


@pytest.fixture
def manual(tmp_path):
    folder = tmp_path / "downloads" / "manual"
    folder.mkdir(parents=True)
    return folder


def faces(name, manual, monkeypatch):
    """Two people in the train list, two in the test list, and one in the validation list of CelebA; LFWA has none."""
    if name == "celeb_a":
        write_celeb_a(manual, [who for who in range(5) for _ in range(EACH)], [0] * 32 + [1] * 16 + [2] * 32)
        accept_files(name, manual, monkeypatch)
    else:
        people = [f"Person_{who}" for who in range(4) for _ in range(EACH)]
        write_lfwa(manual, people=people, train=range(1, 33), test=range(33, 65))


@pytest.mark.parametrize("name", ["celeb_a", "lfwa"])
def test_who_is_shown_is_attacked_among_the_people_of_the_test_list(name, tmp_path, manual, monkeypatch, capsys):
    faces(name, manual, monkeypatch)
    output = tmp_path / "run"
    arguments = ["--dataset", name, "--data_dir", str(tmp_path), "--split", "official", "--methods", "datamix", *TINY]
    assert main([*arguments, "--output", str(output)]) == 0
    metrics = json.loads((output / "metrics.json").read_text())
    splits = metrics["dataset"]["splits"]
    assert splits["test"] == 32 and splits["valid"] > 0
    assert splits["train"] == 32 if name == "celeb_a" else splits["train"] + splits["valid"] == 32
    (row,) = metrics["rows"]
    attack = row["attacks"]["identity, linear probe"]
    # Two people of 16 pictures: 20 % of each are scored on, and one of two is a blind guess.
    assert (attack["n"], attack["classes"], attack["guess"]) == (6, 2, 0.5) and attack["identity_split"] == "test"
    assert "are scored on another (--identity_split)" in capsys.readouterr().out
