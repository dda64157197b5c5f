"""README's commands, typed as they stand and in their order, in a folder like a fresh clone after `make run`.

What takes long is in the tests that are slow: the commands of `DOCUMENTS`, and a whole run;
`make run` and `make test` are what CI does. The lines of the other documents train for hours, on data that lie
elsewhere: test_documented_commands.py holds each of them against its command.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from serving.edge.preprocess import ImagePreprocessing
from tests import datasets
from tests.conftest import REPOSITORY
from tests.listening import watched_ports
from tests.serving.finished_runs import finished_run

#: Lines that this test leaves to others, by how they begin, with the reason.
ELSEWHERE = {
    "git clone": "needs the address of a repository",
    "make ": "CI runs `make test`; `make run` is the newcomer's trial",
    ".venv/bin/python -m pipeline.run": "minutes; test_the_long_commands",
    ".venv/bin/python -m serving.edge predict --bundle runs/avatars/edge_only": "tests/serving/edge/test_edge_only.py",
    ".venv/bin/python -m pipeline.demo runs/avatars --attack_steps": "minutes; tests/pipeline/demo",
    ".venv/bin/python -m pipeline.demo runs/avatars --url http://HOST": "needs the address of another server",
    ".venv/bin/python -m pipeline.demo runs/avatars --open": "needs a screen",
}
#: What runs until it is stopped, by how it begins: the text that it prints once it answers.
SERVERS = {
    ".venv/bin/python -m serving.cloud ": "serving ",
    ".venv/bin/python -m pipeline.demo": "the demo of",
    ".venv/bin/python -m serving.relay": "relaying to",
}
#: Pages that are typed as a whole, and how many servers each starts.
DOCUMENTS = {"serve": 1, "sign": 1, "relay": 2, "demo": 2}
PORTS = (8500, 8501, 8600)


def commands(document="README.md"):
    """A document's command lines, without comments, in order."""
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        if language:
            continue
        yield from (line.partition("  #")[0].strip() for line in block.splitlines() if line.strip())


def free(port):
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A folder with the sources, .venv, a finished run at runs/avatars, a photo and covers."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("datamix_tf", "components", "pipeline", "serving", "examples", "Makefile", "pyproject.toml"):
        (folder / name).symlink_to(REPOSITORY / name)
    (folder / ".venv" / "bin").mkdir(parents=True)
    python = folder / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    data = datasets.pictures(folder / "PATH")
    finished_run(data, folder / "runs" / "avatars", ImagePreprocessing(32, 32), name="datamix")
    random = np.random.default_rng(0)
    (folder / "COVERS").mkdir()
    for number in range(8):
        pixels = random.integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "COVERS" / f"{number}.png")
    Image.fromarray(random.integers(0, 256, (60, 50, 3), np.uint8)).save(folder / "me.jpg")
    return folder


def started(line, mark, clone, servers):
    """Starts a server and waits until it says that it answers."""
    with open(clone / f"server-{len(servers)}.log", "w+", encoding="utf-8") as log:
        words = ["bash", "-c", f"exec {line}"]
        servers.append(subprocess.Popen(words, cwd=clone, stdout=log, stderr=subprocess.STDOUT))
        end = time.monotonic() + 90
        while mark not in (clone / log.name).read_text(encoding="utf-8"):
            assert servers[-1].poll() is None and time.monotonic() < end, (line, (clone / log.name).read_text())
            time.sleep(0.1)


def stop(servers):
    """Ends what runs until it is stopped."""
    for server in servers:
        server.terminate()
    for server in servers:
        server.wait(30)


def type_all(document, clone):
    """Types a document's lines; gives them, and how many of them are servers.

    None of them asks for it, so that none may listen on more than this machine.
    """
    with watched_ports() as beyond:
        found = _type_all(document, clone)
    assert not beyond
    return found


def _type_all(document, clone):
    typed, servers, number = [], [], 0
    try:
        for line in commands(document):
            if line.startswith(tuple(ELSEWHERE)):
                continue
            typed.append(line)
            mark = next((mark for start, mark in SERVERS.items() if line.startswith(start)), None)
            if mark:
                if not all(map(free, PORTS)) and any(line.split()[2] in server.args[2] for server in servers):
                    stop(servers)  # the same command once more: who types stops the first one
                    servers.clear()
                started(line, mark, clone, servers)
                number += 1
                continue
            result = subprocess.run(
                ["bash", "-c", f"set -eo pipefail; {line}"], cwd=clone, capture_output=True, text=True, timeout=120
            )
            assert result.returncode == 0 and '"error":' not in result.stdout, (line, result.stdout, result.stderr)
    finally:
        stop(servers)
    return typed, number


needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
needs_ports = pytest.mark.skipif(not all(map(free, PORTS)), reason=f"README's ports are in use here: {PORTS}")


@needs_curl
@needs_ports
def test_readme_as_it_is_typed(clone):
    typed, servers = type_all("README.md", clone)
    assert servers == 2 and sum(line.startswith("curl ") for line in typed) >= 4
    assert any("serving.edge predict" in line and line.endswith("--covers COVERS me.jpg") for line in typed)


@pytest.mark.slow
@needs_curl
@needs_ports
@pytest.mark.parametrize(("page", "servers"), DOCUMENTS.items())
def test_documents_as_they_are_typed(clone, page, servers):
    assert type_all(f"docs/how-to/{page}.md", clone)[1] == servers


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_long_commands(clone):
    lines = [line for line in commands() if line.startswith(".venv/bin/python -m pipeline.run")]
    assert lines
    for line in lines:
        assert "folder:PATH" in line and not os.path.exists(clone / "runs" / "mine")
        with watched_ports() as beyond:
            result = subprocess.run(["bash", "-c", line], cwd=clone, capture_output=True, text=True, timeout=3000)
        assert not beyond
        assert result.returncode == 0 and (clone / "runs" / "mine" / "report.html").exists(), result.stderr
