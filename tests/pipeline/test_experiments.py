"""The papers' tables, as a user runs them; on few rows, small networks and drawn data."""

import dataclasses
import json
import os

import pytest

from pipeline import experiments
from pipeline.experiments.rows import HIDDEN, TARGET, RowAttack
from pipeline.run import main
from tests import datasets

TINY = ["--image_size", "32", "--width", "8", "--epochs", "1", "--attack_epochs", "1", "--anonymizer", "4"]
TINY += ["--no-quick_audit"]

REBUILD = ["--reconstruction_epochs", "1", "--reconstruction_width", "4", "--min_examples", "4"]


def shortened(name, attacks):
    """An experiment with some of its rows: index of the row -> its attacks."""
    experiment = experiments.load(name)
    rows = tuple(dataclasses.replace(experiment.rows[index], attacks=chosen) for index, chosen in attacks.items())
    return dataclasses.replace(experiment, rows=rows)


@pytest.mark.slow
def test_table_2_from_start_to_figures_and_taken_up_again(tmp_path, monkeypatch, capsys):
    faces = datasets.zipped(datasets.pictures(tmp_path / "faces", n=200))
    probe = RowAttack("probe", TARGET)
    several = (RowAttack("set", HIDDEN), RowAttack("reconstruction", TARGET), probe)
    experiment = shortened("table2", {0: (), 6: (), 9: several})
    monkeypatch.setattr(experiments, "load", lambda name: experiment)
    output = tmp_path / "run"
    arguments = ["--experiment", "table2", "--dataset", f"folder:{faces}", "--output", str(output), *TINY, *REBUILD]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert (output / "table2.md").read_text().strip() in text
    for part in ("| face anonymizer, width 4 |", "| *the paper* | 11.38M | 47.13G |"):
        assert part in text
    for part in ("identity set", "reconstruction", "attributes, linear probe"):
        assert f"| DataMix, N_pre=1, S_G=8 | {part} |" in text
    rows = {row["model"]: row for row in json.loads((output / "metrics.json").read_text())["rows"]}
    assert rows["anonymizer4-seed0"]["edge_params"] > 0
    rebuilt = rows["datamix-pre1-group8-seed0"]["attacks"]["reconstruction"]
    assert rebuilt["score"] < 0 and rebuilt["chance"] < 0 and {"psnr", "ssim"} <= set(rebuilt)
    figures = os.listdir(output / "figures")
    # The raw input, and what the anonymizer sends, DataMix sends, and an attacker rebuilds of the latter.
    assert len([name for name in figures if name.startswith("strip")]) == 4
    assert "rebuilt" in (output / "report.html").read_text()

    # Again: nothing is trained or attacked a second time, and the figures are the same.
    before = {name: os.stat(output / "kept" / name).st_mtime_ns for name in os.listdir(output / "kept")}
    assert main(arguments) == 0
    assert before == {name: os.stat(output / "kept" / name).st_mtime_ns for name in os.listdir(output / "kept")}
    again = {row["model"]: row for row in json.loads((output / "metrics.json").read_text())["rows"]}
    assert again == rows


@pytest.mark.slow
def test_table_4_on_speech(tmp_path, monkeypatch, capsys):
    words = datasets.recordings(tmp_path / "words", n=120)
    experiment = shortened("table4", {5: (RowAttack("label", HIDDEN),)})
    monkeypatch.setattr(experiments, "load", lambda name: experiment)
    arguments = ["--experiment", "table4", "--dataset", f"folder:{words}", "--output", str(tmp_path / "run")]
    assert main([*arguments, *TINY, "--min_examples", "4"]) == 0
    text = capsys.readouterr().out
    assert "| method | params | MACs | bytes up | valid | test | speaker | keyword | speaker, set |" in text
    assert "Speech Commands" in text and "| *the paper* | 0.02M | 0.03G |  | 92.5 | 92.2 | 19.4 | 18.8 |  |" in text
