"""The lines of the documentation that a reader will type, run as they stand."""

import re
import subprocess
import sys

import pytest

from benchmarks.serving_process import server_process
from tests.conftest import REPOSITORY
from tests.serving.deployments import deploy

REFERENCE = REPOSITORY / "docs" / "reference"


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


def test_the_tables_name_tests_that_are_there():
    text = "".join((REFERENCE / name).read_text(encoding="utf-8") for name in ("rest.md", "oblivious-http.md"))
    sources = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests" / "serving").rglob("*.py"))
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 25
    assert not [name for name in named if f"def {name}(" not in sources]


def test_every_section_of_oblivious_http_that_demands_something_has_a_test():
    table = (REFERENCE / "oblivious-http.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")][2:]
    assert all(len(row) == 4 and re.search(r"`test_\w+`", row[3]) for row in rows)
    sections = {section.strip() for row in rows for section in re.split(r",| to ", row[0])}
    # Of 4.6, 6.9, 6.10, 8.1 and 8.3 nothing is demanded of an implementation.
    demanding = {"3", "3.1", "3.2", "4.1", "4.3", "4.4", "4.5", "5", "5.1", "5.2", "5.3", "6", "6.1", "6.2", "6.2.1"}
    demanding |= {"6.2.3", "6.3", "6.4", "6.5", "6.5.1", "6.5.2", "6.6", "6.7", "6.8", "7", "8.2"}
    assert demanding <= sections
