"""Files and folders that appear under their names when they are whole."""

import os

import pytest

from components.storage.artifacts import atomic_folder, write_json


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize("mask, file, folder", [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o027, 0o640, 0o750)])
def test_the_umask_is_honoured(tmp_path, umask, mask, file, folder):
    umask(mask)
    write_json(str(tmp_path / "a.json"), {})
    write_json(str(tmp_path / "a.json"), {"again": True})
    with atomic_folder(str(tmp_path / "made" / "b")) as temporary:
        (tmp_path / temporary / "c").write_text("x")
    modes = {name: os.stat(tmp_path / name).st_mode & 0o777 for name in ("a.json", "made", "made/b", "made/b/c")}
    assert modes == {"a.json": file, "made": folder, "made/b": folder, "made/b/c": file}
    assert sorted(os.listdir(tmp_path)) == ["a.json", "made"]
