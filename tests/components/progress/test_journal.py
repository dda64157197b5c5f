"""The file in which the processes of a run tell how far they are."""

import os
import subprocess
import sys

import pytest

from components.progress import journal
from tests.conftest import REPOSITORY


@pytest.fixture
def reader(tmp_path, monkeypatch):
    reader = journal.Reader(str(tmp_path / "journal"))
    monkeypatch.setenv(journal.VARIABLE, reader.path)
    yield reader
    reader.close()


def test_what_is_told_is_read_once(reader):
    journal.tell("training a", 0.0)
    journal.tell("training a", 0.5, "epoch 1 of 2")
    told = [(entry.unit, entry.share, entry.note, entry.process) for entry in reader.new()]
    assert told == [("training a", 0.0, "", os.getpid()), ("training a", 0.5, "epoch 1 of 2", os.getpid())]
    assert list(reader.new()) == []


def test_lines_of_several_processes_do_not_mix(reader):
    code = "from components.progress.journal import tell\nfor i in range(300): tell('u', i / 300, 'x' * 200)"
    workers = [subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    entries = list(reader.new())
    assert len(entries) == 600 and {entry.process for entry in entries} == {worker.pid for worker in workers}


def test_a_line_that_is_not_whole_yet_waits(reader):
    with open(reader.path, "a") as file:
        file.write('["a", 0.5, "", 1, 2.0]\n["b", 1')
        file.flush()
        assert [entry.unit for entry in reader.new()] == ["a"]
        file.write('.0, "", 1, 3.0]\nbroken\n')
    assert [entry.unit for entry in reader.new()] == ["b"]


def test_nobody_who_reads_is_no_error(monkeypatch, tmp_path):
    monkeypatch.delenv(journal.VARIABLE, raising=False)
    journal.tell("a", 1.0)
    monkeypatch.setenv(journal.VARIABLE, str(tmp_path / "gone"))
    journal.tell("a", 1.0)
    assert not (tmp_path / "gone").exists()
