"""The examples' defence and attack from outside: in --help, the table, metrics.json, the report and the audit."""

import json
import subprocess
import sys

import pytest

from tests import datasets
from tests.conftest import REPOSITORY

PLUGINS = ("--plugin", "examples.add_a_defence,examples.add_an_attack")
SMALL = ("--image_size", "32", "--backbone", "splitnet", "--epochs", "1", "--no-quick_audit")


def command(module, *arguments):
    words = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, timeout=500)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run with both, its folder and what it printed."""
    folder, data = tmp_path_factory.mktemp("plugins"), tmp_path_factory.mktemp("data") / "faces"
    wanted = ("--methods", "patch_shuffle,datamix", "--attacks", "nearest_neighbour", "--attack_epochs", 1)
    faces = ("--dataset", f"folder:{datasets.pictures(data, n=200)}")
    result = command("pipeline.run", *PLUGINS, *faces, *wanted, *SMALL, "--output", folder)
    assert result.returncode == 0, result.stderr
    return folder, result.stdout


def test_help_explains_the_method_and_its_flag():
    shown = command("pipeline.run", *PLUGINS, "--help").stdout
    assert "returned_rows, nearest_neighbour" in " ".join(shown.split())
    assert "--patch_shuffle PATCH_SHUFFLE,..." in shown and "clipped_noise, patch_shuffle" in " ".join(shown.split())


def test_the_method_and_the_attack_are_in_the_table_and_the_figures(ran):
    folder, printed = ran
    name = "identity by nearest neighbour in the cloud's features"
    assert "patches of 4 x 4 shuffled" in printed and f"attack: {name}" in printed
    rows = {row["method"]: row for row in json.loads((folder / "metrics.json").read_text())["rows"]}
    shuffled = rows["patch_shuffle"]
    assert shuffled["settings"]["patch"] == 4 and shuffled["bytes_up"] == 4 * 32 * 32 * 3
    for row in rows.values():
        attack = row["attacks"][name]
        assert attack["n"] > 0 and 0 < attack["chance"] < 1 and attack["measure"] == "accuracy"
        skipped = row["attacks"]["attributes by nearest neighbour in the cloud's features"]
        assert "classes" in skipped["skipped"]
    page = (folder / "report.html").read_text()
    assert "patches of 4 x 4 shuffled" in page and "nearest neighbour" in page


def test_the_audit_runs_the_attack_by_its_id(ran):
    folder, _ = ran
    result = command("pipeline.audit", folder, *PLUGINS, "--attacks", "nearest_neighbour", "--groups", 4)
    assert result.returncode == 0, result.stderr
    scores = json.loads((folder / "audit" / "audit.json").read_text())["scores"]
    assert {score["id"] for score in scores} == {"nearest_neighbour"}
    (measured,) = [score for score in scores if "skipped" not in score]
    assert measured["threat"] == "single" and measured["n"] > 0


def test_without_the_module_the_run_is_refused_in_one_line(ran):
    folder, _ = ran
    result = command("pipeline.compare", folder, "--output", folder / "page.html")
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.returncode == 2 and "no method 'patch_shuffle'" in line and "--plugin" in line
