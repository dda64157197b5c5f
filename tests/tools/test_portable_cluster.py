"""A run over Beam's portability protocol, with workers in network namespaces, gives the figures of a direct one."""

import json
import subprocess
import sys

import pytest

from components.errors import InputError
from pipeline.orchestration.prism import find_prism
from tests import datasets
from tests.pipeline.test_run import REPOSITORY, SMALL
from tools.namespaces import available
from tools.portable_cluster import main

namespaces = pytest.mark.skipif(not available(), reason="network namespaces need root and ip")


def compare(tmp_path, *options, more=()):
    """What the command says of small runs."""
    faces = datasets.zipped(datasets.pictures(tmp_path / "faces"))
    command = [sys.executable, "-m", "tools.portable_cluster", *options, "--output", str(tmp_path / "runs"), "--"]
    run = subprocess.run(
        [*command, "--dataset", f"folder:{faces}", *SMALL, *more], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1]), run.stderr


@namespaces
@pytest.mark.slow
def test_two_network_namespaces(tmp_path):
    result, _ = compare(tmp_path, "--workers", "2")
    assert result["workers"] == 2 and result["figures"] > 10 and result["largest_difference"] == 0


@namespaces
@pytest.mark.slow
def test_prism_whose_worker_dies_at_work(tmp_path):
    try:
        find_prism()
    except InputError as error:
        pytest.skip(str(error))
    result, errors = compare(tmp_path, "--engine", "prism", "--kill", "transform")
    assert result["killed"] == ["transform"] and result["figures"] > 10 and result["largest_difference"] == 0
    assert errors.count("error: the engine lost a worker") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "0"], "at least 1"),
        (["--engine", "prism", "--workers", "2"], "1 with --engine prism; received 2"),
        (["--kill", "transform"], "waits for a dead worker"),
    ],
)
def test_what_it_cannot_do_is_said_at_once(arguments, message, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err
