"""Lines of other packages stay off the terminal; what is ours, and errors, stay on it."""

import os
import subprocess
import sys
import threading

import pytest

from serving.protocol import quiet
from tests.conftest import REPOSITORY

#: A package that behaves as TensorFlow's does while it is loaded.
FAKE = r"""
import os, logging, warnings
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
            b"I0000 00:00:1.2    77 port.cc:153] oneDNN custom operations are on.\n"
            b"E0000 00:00:1.2    77 cuda_platform.cc:52] failed call to cuInit\n"
            b"To enable the following instructions: AVX2, in other operations\n"
            b"what nobody knows\n")
logging.warning("apitools not found")
logging.getLogger("tensorflow").warning("5 out of the last 9 calls")
logging.getLogger("tensorflow").error("broken")
warnings.warn("`shuffle=True` was passed")
"""
COMMAND = """
import logging, sys, warnings
from serving.protocol.quiet import quieten
quieten(sys.argv[1:])
import tensorflow
logging.getLogger("pipeline.demo.app").warning("ours, logged")
warnings.warn_explicit("ours, warned", UserWarning, "a.py", 1, module="components.a")
warnings.warn("of the command itself")
"""
THEIRS = ("absl", "oneDNN", "cuInit", "AVX2", "apitools", "out of the last", "shuffle=True")
OURS = ("what nobody knows", "broken", "ours, logged", "ours, warned", "of the command itself")


def said(tmp_path, *arguments, **environment):
    (tmp_path / "tensorflow.py").write_text(FAKE)
    paths = f"{tmp_path}{os.pathsep}{REPOSITORY}"
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONWARNINGS": "", **environment},
    )
    assert done.returncode == 0 and done.stdout == "", done.stderr
    return done.stderr


def test_others_are_quiet_and_ours_and_errors_are_not(tmp_path):
    shown = said(tmp_path)
    assert not [text for text in THEIRS if text in shown], shown
    assert all(text in shown for text in OURS), shown


def test_verbose_shows_all(tmp_path):
    shown = said(tmp_path, "--verbose")
    assert all(text in shown for text in (*THEIRS, *OURS)), shown


def test_what_python_is_asked_to_warn_of_is_shown(tmp_path):
    assert "shuffle=True" in said(tmp_path, PYTHONWARNINGS="default")


def test_workers_are_as_quiet_as_the_command_that_starts_them(tmp_path):
    (tmp_path / "tensorflow.py").write_text(FAKE)
    code = "import components, tensorflow"
    found = {}
    for value in ("1", ""):
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}", quiet.VARIABLE: value}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
        found[value] = done.stderr
    assert "oneDNN" in found[""] and "oneDNN" not in found["1"] and "what nobody knows" in found["1"]


def test_an_import_that_fails_keeps_its_error(tmp_path):
    (tmp_path / "tensorflow.py").write_text("import os\nos.write(2, b'why\\n')\nraise ImportError('no such library')")
    code = "from serving.protocol.quiet import quieten; quieten([]); import tensorflow"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 1 and done.stderr.startswith("why\n") and "ImportError: no such library" in done.stderr


def test_threads_do_not_lose_standard_error(monkeypatch, capfd):
    monkeypatch.setenv(quiet.VARIABLE, "1")
    before = os.fstat(2).st_ino

    def load(number):
        for _ in range(20):
            with quiet.startup_dropped():
                os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n%d\n" % number)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.fstat(2).st_ino == before
    assert sorted(capfd.readouterr().err.split()) == sorted("0123" * 20)


@pytest.mark.parametrize("module", ["pipeline.run", "pipeline.audit", "serving.relay", "serving.edge", "serving.cloud"])
def test_every_command_explains_the_flag(module):
    more = ["predict"] if module == "serving.edge" else []
    done = subprocess.run(
        [sys.executable, "-m", module, *more, "--help"], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )
    assert "--verbose" in done.stdout and done.stderr == ""
