"""Where a run may write."""

import os
import resource

import pytest

from components.errors import InputError
from pipeline.orchestration.command import WRITTEN, check_output
from pipeline.run import main
from tests import datasets


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_what_others_put_there_is_not_replaced(tmp_path, name):
    (tmp_path / "notes.txt").write_text("mine")
    check_output(str(tmp_path))
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=f"{name}, which no run made"):
        check_output(str(tmp_path))
    (tmp_path / ".lock").write_text("process 1 on here")  # every run leaves one
    check_output(str(tmp_path))


def test_an_output_in_the_data_set_is_refused_before_anything_is_written(tmp_path, capsys):
    faces = datasets.pictures(tmp_path / "faces", n=4)
    (tmp_path / "link").symlink_to(faces)
    before = sorted(os.listdir(faces))
    for output in (faces, faces / "runs" / "one", tmp_path / "link" / "out"):
        assert main(["--dataset", f"folder:{faces}", "--output", str(output)]) == 2
        assert "lies in the data set" in capsys.readouterr().err
    assert sorted(os.listdir(faces)) == before
    check_output(str(tmp_path / "faces2"), f"folder:{faces}")
    check_output(str(tmp_path), f"folder:{faces}")


def test_a_full_temporary_folder_is_told_at_the_start(tmp_path, capsys):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        assert main(["--output", str(tmp_path / "run")]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    error = capsys.readouterr().err
    assert "temporary folder with room" in error and "TMPDIR" in error and not (tmp_path / "run").exists()
