"""The lines of the documentation that a reader will type, run as they stand."""

import re
import shutil
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


def adapted(line, deployed, url):
    """A line of the README with this test's paths, port and model."""
    line = line.replace(".venv/bin/python", sys.executable).replace("http://127.0.0.1:8501", url)
    return line.replace("runs/avatars/edge", deployed.edge).replace("models/datamix", "models/toy")


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
def test_the_curl_lines_of_the_readme(running, tmp_path):
    deployed, url, _ = running
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (block,) = [block for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) if "curl" in block]
    lines = block.strip().splitlines()
    assert sum(line.startswith("curl ") for line in lines) >= 4
    (tmp_path / "serving").symlink_to(REPOSITORY / "serving")
    for line in lines:
        command = f"set -eo pipefail; {adapted(line, deployed, url)}"
        result = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0 and '"error":' not in result.stdout, (line, result.stdout, result.stderr)


def test_the_grpc_example(running):
    deployed, _, address = running
    command = [sys.executable, "examples/grpc_client.py", "--bundle", deployed.edge, "--address", address]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert "toy version 1 answered (2, 16)" in result.stdout, result.stderr


def test_the_contracts_table_names_tests_that_are_there():
    text = (REPOSITORY / "docs" / "serving.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests" / "serving").rglob("*.py"))
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 25
    assert not [name for name in named if f"def {name}(" not in sources]
