"""One page over several runs; on made-up runs."""

import json
import os
import subprocess
import sys

import pytest

from components.errors import InputError
from pipeline.compare import main
from pipeline.orchestration.publishing import run_page
from tests.conftest import REPOSITORY


def test_several_runs_on_one_page(make, tmp_path, capsys):
    runs = [make("faces"), make("speech", kind="audio", leaking=0.75)]
    output = tmp_path / "both.html"
    assert main([*runs, "--output", str(output)]) == 0
    assert "2 runs on one page" in capsys.readouterr().out
    page = output.read_text(encoding="utf-8")
    points = json.loads(page.split('id="points">')[1].split("</script>")[0])["points"]
    assert len(points) == 6 and points[0]["label"] == "faces: all on the edge"
    for text in ("<h3>faces</h3>", "<h3>speech</h3>", "pipeline.run --output speech"):
        assert text in page
    assert not os.path.exists(os.path.join(runs[0], "lineage.db"))  # looking at a run leaves nothing in it


def test_runs_of_one_name_are_told_apart(make, tmp_path):
    runs = [make("a/run"), make("b/run")]
    assert main([*runs, "--output", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(f"<h3>{run}</h3>" in page for run in runs)


def test_folders_that_are_no_finished_runs_are_one_clear_error(make, tmp_path, capsys):
    run, half = make("run"), make("half")
    os.remove(os.path.join(half, "artifacts", "reporter", "report", "page.json"))
    output = str(tmp_path / "page.html")
    for arguments, message in (
        ([run, "/nowhere"], "'/nowhere' is no folder"),
        ([run, str(tmp_path)], "has no metrics.json; run it"),
        ([run, half], "has no artifacts/reporter/report/page.json; run it (again"),
        ([run, f"{run}/../run"], "is named more than once"),
    ):
        assert main([*arguments, "--output", output]) == 2
        error = capsys.readouterr().err
        assert message in error and error.startswith("error: ") and error.count("\n") == 1
    assert not os.path.exists(output)
    assert main([run, "--output", str(tmp_path / "missing" / "page.html")]) == 1
    with pytest.raises(InputError):
        run_page(str(tmp_path))


def test_help_explains_every_flag():
    command = [sys.executable, "-m", "pipeline.compare", "--help"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert all(flag in result.stdout for flag in ("RUN", "--output", "--lineage"))
