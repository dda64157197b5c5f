import os
import re
import time

import pytest

from components.errors import InputError
from components.storage import temporaries


def test_copies_that_nobody_uses_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setenv(temporaries.VARIABLE, str(tmp_path))
    for name, days in (("old", 8), ("new", 1)):
        os.makedirs(os.path.join(temporaries.folder("copies"), name))
        used = os.stat(tmp_path).st_mtime - 86400 * days
        os.utime(tmp_path / "copies" / name, (used, used))
    temporaries.forget("copies")
    assert os.listdir(tmp_path / "copies") == ["new"]
    assert temporaries.machine() == temporaries.machine() != ""


def test_copies_used_longest_ago_make_room_for_others(tmp_path, monkeypatch):
    monkeypatch.setenv(temporaries.VARIABLE, str(tmp_path))
    monkeypatch.setenv(temporaries.LIMIT_VARIABLE, "350")
    for name, hours in (("oldest", 3), ("older", 2), ("in use", 0)):
        os.makedirs(os.path.join(temporaries.folder("copies"), name))
        (tmp_path / "copies" / name / "file").write_bytes(bytes(100))
        used = time.time() - 3600 * hours
        os.utime(tmp_path / "copies" / name, (used, used))
    temporaries.make_room("copies", 50)
    assert sorted(os.listdir(tmp_path / "copies")) == ["in use", "older", "oldest"]
    temporaries.make_room("copies", 100)
    assert sorted(os.listdir(tmp_path / "copies")) == ["in use", "older"]
    with pytest.raises(
        InputError, match=re.escape("room for a copy of 300 bytes") + ".*may take 350 and 100 are in use"
    ):
        temporaries.make_room("copies", 300)
    assert os.listdir(tmp_path / "copies") == ["in use"]
