"""Two checkouts are compared number by number, each with its own sources. The checkouts here train nothing."""

import pytest

from datamix_tf.attacks.catalogue import all_attacks
from datamix_tf.defences import all_defences
from pipeline.experiments import EXPERIMENTS, load
from pipeline.options import parse
from tests.conftest import REPOSITORY
from tools import compare_checkouts
from tools.compare_checkouts import Outcome, checked, differences, lines, main, written
from tools.toy_runs import RUNS, ToyRun

TOY = ToyRun("pipeline.run", "--flag 1", ("metrics.json", "*.md", "*.png"))
COMMAND = """
import json, os, random, sys
from pipeline.sum import SCORE
folder = sys.argv[sys.argv.index("--output") + 1]
os.makedirs(folder)
row = {"score": SCORE, "training_seconds": random.random(), "attacks": []}
metrics = {"rows": [row], "settings": {"output": folder, "flag": sys.argv[2]}}
for name, text in {"metrics.json": json.dumps(metrics), "toy.md": f"in {folder}", "toy.png": "pixels"}.items():
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)
"""


def checkout(folder, score="0.1", command=COMMAND):
    for name in compare_checkouts.PACKAGES:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
    (folder / "pipeline" / "sum.py").write_text(f"SCORE = {score}")
    (folder / "pipeline" / "run.py").write_text(command)
    return str(folder)


@pytest.fixture
def compare(tmp_path, monkeypatch):
    """Compares two checkouts by the toy run; returns the exit status."""
    monkeypatch.setattr(compare_checkouts, "RUNS", {"toy": TOY})
    return lambda before, after, *more: main([before, after, "--output", str(tmp_path / "output"), *more])


def leaves_of(folder, metrics):
    (folder / "toy").mkdir(parents=True)
    (folder / "toy" / "metrics.json").write_text(metrics)
    return written(ToyRun("pipeline.run", "", ("metrics.json",)), str(folder), "toy")


def test_equal_checkouts(compare, tmp_path, capsys):
    assert compare(checkout(tmp_path / "a"), checkout(tmp_path / "b")) == 0
    # score, attacks, flag; the text and the picture
    assert capsys.readouterr().out.splitlines()[-1] == "| toy | 5 | 0 |"


def test_each_checkout_runs_its_own_sources_and_the_last_bit_counts(compare, tmp_path, capsys):
    assert compare(checkout(tmp_path / "a", "0.3"), checkout(tmp_path / "b", "0.1 + 0.2")) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "toy: metrics.json/rows/0/score: 0.3 -> 0.30000000000000004"
    assert out[-1] == "| toy | 5 | 1 |"


def test_a_run_that_fails_or_writes_too_little(compare, tmp_path, capsys):
    before, broken = checkout(tmp_path / "a"), checkout(tmp_path / "b", command="raise SystemExit('error: no flag')")
    assert compare(before, broken) == 1
    out = capsys.readouterr().out
    assert "the run after ended with 1: error: no flag (" in out and "| toy | 0 | failed |" in out
    assert compare(checkout(tmp_path / "c", command="pass"), before) == 1
    assert "the run before wrote no metrics.json, *.md, *.png" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('{"n": 1}', '{"n": 1.0}', "n"),
        ('{"n": 0.0}', '{"n": -0.0}', "n"),
        ('{"n": 1}', '{"n": true}', "n"),
        ('{"n": "1"}', '{"n": 1}', "n"),
        ('{"n": [1]}', '{"n": [1, 2]}', "n/1"),
        ('{"n": {}}', '{"n": null}', "n"),
        ('{"n": [], "m": 1}', '{"m": 1}', "n"),
    ],
)
def test_values_that_differ(tmp_path, old, new, path):
    found = differences(leaves_of(tmp_path / "a", old), leaves_of(tmp_path / "b", new))
    assert list(found) == [f"metrics.json/{path}"]


def test_values_that_do_not(tmp_path):
    old, new = '{"n": NaN, "seconds": 1, "m": [{"command": "a"}]}', '{"m": [{"command": "b"}], "n": NaN}'
    assert not differences(leaves_of(tmp_path / "a", old), leaves_of(tmp_path / "b", new))


def test_only_the_first_differences_are_printed():
    outcome = Outcome("toy", 100, {f"rows/{index}": ("1", "2") for index in range(25)})
    assert len(lines(outcome)) == 21 and lines(outcome)[-1] == "... and 5 more"


def test_this_repository_is_a_checkout():
    assert checked(str(REPOSITORY)) == str(REPOSITORY.resolve())


def test_sources_from_elsewhere_are_noticed(compare, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    folder = checkout(tmp_path / "a")
    assert compare(folder, folder) == 2
    error = capsys.readouterr().err
    assert f"expected python to import components from {folder!r}" in error and len(error.splitlines()) == 1


def test_bad_input_is_one_line(compare, tmp_path, capsys):
    folder = checkout(tmp_path / "output" / "before")
    for arguments, text in (
        ((str(tmp_path), folder), "has no components/"),
        ((folder, folder, "--only", "toy,other"), "--only takes toy, with commas; received 'other'"),
        ((folder, folder), "--output would empty"),
    ):
        assert compare(*arguments) == 2
        error = capsys.readouterr().err
        assert text in error and len(error.splitlines()) == 1


def test_the_runs_reach_every_method_attack_and_experiment(tmp_path):
    runs = {name: run for name, run in RUNS.items() if run.module == "pipeline.run"}
    options = {name: parse(run.arguments(str(tmp_path), name)[2:])[0] for name, run in runs.items()}
    assert {method for run in options.values() for method in run.methods} == set(all_defences())
    assert set(options["avatars"].attacks) == {spec.id for spec in all_attacks().values() if not spec.audited}
    trained = {name for name in EXPERIMENTS if load(name).text is None}  # the others are arithmetic alone
    assert {run.experiment for run in options.values()} == {None, *trained}


def test_a_run_brings_the_run_that_it_needs():
    assert compare_checkouts.chosen("table4,audit") == ["avatars", "audit", "table4"]
