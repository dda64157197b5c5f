"""A disk that is full or read-only: one clear error, nothing corrupted, and the run goes on when it can be written."""

import os
import subprocess
import sys

import pytest

from tests import datasets
from tests.conftest import REPOSITORY
from tests.pipeline.test_run import SMALL, temporaries
from tools.kill_test import check_whole


@pytest.fixture
def disk(tmp_path):
    """A small file system in memory; call it with mount options to change it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting a file system needs root")

    def change(options):
        subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)

    change.folder = folder
    yield change
    subprocess.run(["umount", folder], check=True)


def run(tmp_path, disk, *flags):
    faces = tmp_path / "faces.zip"
    if not faces.exists():
        datasets.zipped(datasets.pictures(tmp_path / "faces", n=600))
    command = [sys.executable, "-m", "pipeline.run", "--dataset", f"folder:{faces}", "--output", disk.folder / "run"]
    return subprocess.run([*command, *SMALL, *flags], cwd=REPOSITORY, capture_output=True, text=True)


def check_full(run, folder):
    # Progress bars may close behind it.
    (error,) = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert run.returncode == 1 and "cannot be written" in error, run.stderr
    assert not temporaries(folder)
    check_whole(folder)


def test_while_reading(tmp_path, disk):
    check_full(run(tmp_path, disk, "--to_node", "transform"), disk.folder)
    disk("size=30m")
    assert run(tmp_path, disk, "--to_node", "transform").returncode == 0
    check_whole(disk.folder)


@pytest.mark.slow
def test_a_read_only_output(tmp_path, disk):
    def contents():
        files = (path for path in disk.folder.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in files}

    disk("size=30m")
    assert run(tmp_path, disk, "--to_node", "example_gen").returncode == 0
    before = contents()
    disk("ro")
    refused = run(tmp_path, disk, "--to_node", "transform")
    (error,) = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    assert refused.returncode == 2 and "Read-only file system" in error and "run" in error
    assert contents() == before
    disk("rw")
    again = run(tmp_path, disk, "--to_node", "transform", "--verbose")
    assert again.returncode == 0 and "example_gen: unchanged" in again.stderr


@pytest.mark.slow
def test_at_every_stage(tmp_path, disk):
    for size in range(2, 200, 2):
        disk(f"size={size}m")
        result = run(tmp_path, disk)
        if not result.returncode:
            break
        check_full(result, disk.folder)
    assert size > 4 and os.path.exists(disk.folder / "run" / "metrics.json")
