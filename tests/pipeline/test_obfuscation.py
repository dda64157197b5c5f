"""`python -m pipeline.obfuscation`, as a user runs it; on drawn pictures and small settings."""

import json

import pytest

from components.report.obfuscation_figures import table
from pipeline.experiments.obfuscation import MIDDLE
from pipeline.obfuscation import main
from tests import datasets

TINY = ["--image_size", "16", "--epochs", "2", "--attack_epochs", "2", "--fine_tune_epochs", "1", "--batch_size", "32"]
LEVELS = ["--trade_offs", "signal,pruning,shredder,gaussian,bottleneck"]
DATA = ["--target", "red", "--hidden", "identity,bright", "--repeats", "1"]


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return datasets.zipped(datasets.pictures(tmp_path_factory.mktemp("obfuscation") / "faces", n=200))


def test_figure_2_alone_needs_no_attacks():
    dataset = {
        "name": "faces",
        "splits": {"train": 8, "valid": 4, "test": 4},
        "shape": [8, 8, 3],
        "target": ["label_0"],
    }
    settings = {"repeats": 1, "epochs": 2, "command": "python -m pipeline.obfuscation --figures 2"}
    text = table({"settings": settings, "dataset": dataset, "rows": []}, 0.01)
    assert "target label_0" in text and text.endswith("| --- |")


def test_from_pictures_to_figures_and_taken_up_again(faces, tmp_path, capsys, monkeypatch):
    levels = {"signal": (2,), "pruning": (4,), "shredder": (0.1,), "gaussian": (0.1,), "bottleneck": (0.1,)}
    monkeypatch.setattr("pipeline.experiments.obfuscation.TRADE_OFFS", levels)
    monkeypatch.setattr("pipeline.experiments.obfuscation.IN_FIGURE", {6: tuple(levels)})
    monkeypatch.setattr("pipeline.obfuscation.IN_FIGURE", {6: tuple(levels)})
    output = tmp_path / "run"
    arguments = ["--dataset", f"folder:{faces}", "--output", str(output), "--figures", "2,6,7", *LEVELS, *DATA, *TINY]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert (output / "obfuscation.md").read_text().strip() in text
    assert "| 4 | nothing hidden, plain network | 0 |" in text
    for number in (2, 6, 7):
        assert (output / f"figure{number}.png").read_bytes().startswith(b"\x89PNG")
    scores = json.loads((output / "obfuscation.json").read_text())
    for row in scores["rows"]:
        assert row["split_layer"] == MIDDLE and row["bytes_up"] > 0
        for attack in row["attacks"].values():
            assert 0 <= attack["score"] <= 1 and 0 < attack["chance"] < 1 and attack["n"] > 0
    found = {(row["method"], row["level"]): row for row in scores["rows"]}
    assert set(found[("signal", 1.0)]["attacks"]) == {"identity", "bright"}
    assert found[("signal", 2.0)]["bytes_up"] == 8 and found[("pruning", 4.0)]["bytes_up"] == 16
    for network in scores["networks"]:
        assert all(value <= 1e-6 for value in network["content"].values()) and len(network["content"]) == 6
    choice = json.loads((output / "choice.json").read_text())
    assert choice in [
        {**entry, **dict(list(choice.items())[-1:])} for entry in json.loads((output / "profile.json").read_text())
    ]
    assert choice["largest_relative_difference"] < 1e-4 and (output / "serving" / "saved_model.pb").exists()
    kept = {path: path.stat().st_mtime_ns for path in (output / "kept").iterdir()}
    assert main(arguments) == 0
    assert kept == {path: path.stat().st_mtime_ns for path in (output / "kept").iterdir()}


@pytest.mark.parametrize(
    "change, text",
    [
        (["--figures", "1"], "--figures must be of 2, 3, 4, 5, 6, 7; received 1"),
        (["--epochs", "0"], "--epochs must be at least 1"),
        (["--target", "red,bright"], "expected one target column"),
        (["--hidden", "age"], "no label column 'age'"),
        (["--max_accuracy_drop", "-1"], "--max_accuracy_drop must be at least 0; received -1"),
        (["--dataset", "tones"], "takes pictures"),
    ],
)
def test_bad_input_in_one_line(faces, tmp_path, capsys, change, text):
    arguments = ["--dataset", f"folder:{faces}", "--output", str(tmp_path / "run"), *DATA, *change]
    if "tones" in change:
        arguments = [*change, "--output", str(tmp_path / "run"), "--examples", "20"]
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert text in error and error.startswith("error: ") and "\n" not in error


def test_a_hidden_column_that_nobody_could_read_is_refused(faces, tmp_path, capsys):
    arguments = ["--dataset", f"folder:{faces}", "--output", str(tmp_path / "run"), "--target", "red", *TINY]
    assert main([*arguments, "--hidden", "identity", "--test_share", "0.75", "--valid_share", "0.15"]) == 2
    assert "expected two values of the hidden column 'identity' with 8 train examples" in capsys.readouterr().err
