"""`python -m pipeline.obfuscation`, as a user runs it; on drawn pictures and small settings."""

import json

import pytest
from matplotlib.figure import Figure

from components.report.obfuscation_figures import _trade_off, table
from pipeline.experiments.obfuscation import MIDDLE
from pipeline.obfuscation import _parse, main, run_options
from pipeline.options.presets import OBFUSCATION_PRESETS
from tests import datasets

TINY = ["--image_size", "16", "--epochs", "2", "--attack_epochs", "2", "--fine_tune_epochs", "1", "--batch_size", "32"]
LEVELS = ["--trade_offs", "signal,pruning"]
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
    levels = {"signal": (2,), "pruning": (4,)}
    monkeypatch.setattr("pipeline.experiments.obfuscation.TRADE_OFFS", levels)
    monkeypatch.setattr("pipeline.experiments.obfuscation.IN_FIGURE", {6: tuple(levels)})
    monkeypatch.setattr("pipeline.obfuscation.IN_FIGURE", {6: tuple(levels)})
    output = tmp_path / "run"
    arguments = ["--dataset", f"folder:{faces}", "--output", str(output), "--figures", "2,6,7", *LEVELS, *DATA, *TINY]
    arguments += ["--distortions", "0.5", "--attack_optimizer", "adam", "--attack_schedule", "steps"]
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
    assert found[("distortion", 0.5)]["network"] == "signal-seed0" and found[("distortion", 0.5)]["attacks"]
    assert "| 4 | signal content, bounded distortion | 0.5 |" in text
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
        (
            ["--exact", "--figures", "3"],
            "--exact takes maps of at most 5000 numbers; at split layer 1 of pictures of 50x50",
        ),
    ],
)
def test_bad_input_in_one_line(faces, tmp_path, capsys, change, text):
    arguments = ["--dataset", f"folder:{faces}", "--output", str(tmp_path / "run"), *DATA, *change]
    if "tones" in change:
        arguments = [*change, "--output", str(tmp_path / "run"), "--examples", "20"]
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert text in error and error.startswith("error: ") and "\n" not in error


def test_the_presets_are_the_paper_s_protocol():
    """Tables 2 and section 5.1: 50 epochs of Adam at 1e-3, ten times lower after 20 and 40, for the adversary, too."""
    told = {
        "emnist": (("digit",), ("writer",), (28, 28), "official", None),
        "utkface": (("gender",), ("race",), (50, 50), "hash", None),
        "facescrub": (("gender",), ("identity",), (50, 50), "hash", None),
        "celeba": (("Smiling",), None, (73, 60), "official", (146, 120)),
    }
    assert set(told) == set(OBFUSCATION_PRESETS)
    for name, (target, hidden, size, split, crop) in told.items():
        options = run_options(_parse(["--preset", name])[0])
        assert (options.target, options.image_size, options.split, options.crop) == (target, size, split, crop)
        assert len(options.hidden) == 6 if hidden is None else options.hidden == hidden
        trained = (options.epochs, options.optimizer, options.schedule, options.learning_rate, options.weight_decay)
        assert trained == (50, "adam", "steps", 1e-3, 0.0) and options.backbone == "splitnet"
        attacked = (options.attack_epochs, options.attack_optimizer, options.attack_schedule, options.attack_patience)
        assert attacked == (50, "adam", "steps", 0)
        assert (options.attack_learning_rates, options.attack_starts) == ((1e-3,), ("fresh",))
    mine = _parse(["--preset", "celeba", "--epochs", "3", "--dataset", "avatars", "--attack_starts", "trained"])[0]
    assert (mine.epochs, mine.dataset, mine.attack_starts) == (3, "avatars", ("trained",)) and mine.crop == (146, 120)


def test_without_a_data_set_there_is_nothing_to_do(capsys):
    assert main([]) == 2
    assert "expected --dataset, or a --preset of emnist, utkface, facescrub, celeba" in capsys.readouterr().err


def test_figure_4_tells_how_many_coefficients_each_point_keeps():
    def row(method, level):
        named = {
            "method": method,
            "network": "signal-seed0",
            "split_layer": MIDDLE,
            "level": level,
            "test_accuracy": 0.9,
        }
        return {**named, "attacks": {"race": {"score": 0.1 * level}}}

    axes = Figure().subplots()
    _trade_off(
        axes, [row("none", 0.0), row("signal", 1.0), row("signal", 8.0), row("pruning", 4.0)], ("signal",), MIDDLE
    )
    assert [text.get_text() for text in axes.texts] == ["m' = 8", "m' = 1"]


def test_a_hidden_column_that_nobody_could_read_is_refused(faces, tmp_path, capsys):
    arguments = ["--dataset", f"folder:{faces}", "--output", str(tmp_path / "run"), "--target", "red", *TINY]
    assert main([*arguments, "--hidden", "identity", "--test_share", "0.75", "--valid_share", "0.15"]) == 2
    assert "expected two values of the hidden column 'identity' with 8 train examples" in capsys.readouterr().err
