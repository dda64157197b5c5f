"""Reading the members of zip and tar archives, one after the other."""

from __future__ import annotations

import tarfile
import zipfile


def read_archive(path: str):
    """Yields `(name, bytes)` of each file in a zip archive (by its name) or in a tar archive."""
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    yield member.filename, archive.read(member)
        return
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile():
                yield member.name, archive.extractfile(member).read()
