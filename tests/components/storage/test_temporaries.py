import os

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
