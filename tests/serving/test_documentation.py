"""The lines of the documentation that a reader will type, run as they stand."""

import re
import subprocess
import sys

import pytest

from benchmarks.serving_process import server_process
from tests.conftest import REPOSITORY
from tests.serving.deployments import deploy


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    deployed = deploy(str(tmp_path_factory.mktemp("documentation")))
    with server_process(deployed.serving) as (_, url, grpc):
        yield deployed, url, grpc


@pytest.mark.parametrize("rows", [2, 70_000])  # answers of more than 4 MiB, gRPC's own limit
def test_the_grpc_example(running, rows):
    deployed, _, address = running
    command = [sys.executable, "examples/grpc_client.py", "--bundle", deployed.edge, "--address", address]
    command += ["--rows", str(rows)]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert f"toy version 1 answered ({rows}, 16)" in result.stdout, result.stderr


def test_the_contracts_table_names_tests_that_are_there():
    text = (REPOSITORY / "docs" / "serving.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests" / "serving").rglob("*.py"))
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 25
    assert not [name for name in named if f"def {name}(" not in sources]
