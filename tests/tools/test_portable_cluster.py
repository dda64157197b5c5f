"""A run over Beam's portability protocol, with workers in two network namespaces, gives the figures of a direct one."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests import datasets
from tests.pipeline.test_run import REPOSITORY, SMALL

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(os.geteuid()) or not shutil.which("ip"), reason="network namespaces need root and ip"),
]


def test_two_network_namespaces(tmp_path):
    faces = datasets.zipped(datasets.pictures(tmp_path / "faces"))
    command = [
        sys.executable,
        "-m",
        "tools.portable_cluster",
        "--workers",
        "2",
        "--output",
        str(tmp_path / "runs"),
        "--",
    ]
    run = subprocess.run(
        [*command, "--dataset", f"folder:{faces}", *SMALL], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    result = json.loads(run.stdout.splitlines()[-1])
    assert result["workers"] == 2 and result["figures"] > 10 and result["largest_difference"] == 0
