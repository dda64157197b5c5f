"""The files of a directory or a zip archive, by the names that people write for them."""

from __future__ import annotations

import contextlib
import functools
import lzma
import os
import posixpath
import re
import struct
import zipfile
import zlib

from components.errors import InputError
from serving.edge import file_names

#: What reading a damaged file or archive raises: missing, cut off, encrypted, of an unknown method, wrong checksum.
UNREADABLE = (
    *(EOFError, KeyError, OSError, RuntimeError, ValueError, OverflowError),
    *(struct.error, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
PICTURES = "images"
OUTSIDE = "it lies outside of the data set; copy it into the data set and name it from there"
_UTF8 = 0x800  # the flag of a zip archive's entry that says that its name is in UTF-8
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class Files:
    """The files of a directory or a zip archive.

    A file's name here is relative, with `/` and composed accents (`file_names.canonical`); one folder around all of
    them is left out, and so is what systems put beside them. Links are followed inside of the directory only.

    Args:
        path: Of the directory or the archive.

    Raises:
        InputError: If there is none, or the archive is damaged.
    """

    def __init__(self, path: str):
        self.path = path
        if os.path.isdir(path):
            self._zip = None
        else:
            try:
                self._zip = zipfile.ZipFile(path)
            except FileNotFoundError:
                raise InputError(f"folder:{path} does not exist; expected a directory or a .zip file") from None
            except UNREADABLE as error:
                raise InputError(
                    f"folder:{path} is not a whole zip archive ({error}); it may be cut off: fetch or make it again"
                ) from None

    def names(self) -> list[str]:
        """The names of all files, sorted."""
        return sorted(self._stored)

    def find(self, written: str) -> str:
        """The name of the file that a row of labels means.

        It may be written from the root or from `images/` on, with other folders in front, in another case, with
        `\\` or with accents apart, as long as one file alone is meant.

        Raises:
            ValueError: If it leads out of the data set, or there is no such file, or there are several.
        """
        if posixpath.isabs(written) or _DRIVE.match(written):
            raise ValueError(OUTSIDE)
        name = file_names.canonical(written)
        ways = [posixpath.normpath(posixpath.join(*parts, name)) for parts in ((PICTURES,), ())]
        ways = [way for way in ways if way.split("/")[0] != ".."]
        if not ways:
            raise ValueError(OUTSIDE)
        for way in ways:
            if way in self._stored:
                return way
        folded = posixpath.normpath(name).casefold()
        meant = self._by_ending.get(folded.rpartition("/")[2], [])
        meant = [found for found in meant if f"/{found.casefold()}".endswith(f"/{folded}")]
        exact = [found for found in meant if f"/{found}".endswith(f"/{posixpath.normpath(name)}")]
        if len(exact or meant) == 1:
            return (exact or meant)[0]
        if meant:
            raise ValueError(f"there are {' and '.join(meant[:2])}; write which of them it is, with its folder")
        if self._zip is None and any(file_names.leads_out(self.path, way) for way in ways):
            raise ValueError(OUTSIDE)
        raise ValueError(f"there is no such file; there are {', '.join(self.names()[:2]) or 'none'} and so on")

    def mark(self, name: str) -> str:
        """Changes with a file's content, without reading it: the archive's checksum, or the file's size and time."""
        if self._zip:
            return str(self._zip.getinfo(self._stored[name]).CRC)
        try:
            stat = os.stat(os.path.join(self.path, self._stored[name]))
        except OSError as error:  # such as a link to nothing; reading it says so
            return type(error).__name__
        return f"{stat.st_size} {stat.st_mtime_ns}"

    def read(self, name: str) -> bytes:
        """The content of a file. Raises one of `UNREADABLE` if it cannot be read."""
        if self._zip:
            return self._zip.read(name if name in self._zip.NameToInfo else self._stored[name])
        stored = name if os.path.exists(os.path.join(self.path, name)) else self._stored[name]
        if file_names.leads_out(self.path, stored):
            raise ValueError(OUTSIDE)
        with open(os.path.join(self.path, stored), "rb") as file:
            return file.read()

    def text(self, name: str, errors: str = "strict") -> str:
        """A text file in UTF-8, or in UTF-16 with its mark. Raises InputError if it cannot be read."""
        try:
            content = self.read(name)
            code = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
            return content.decode(code, errors)
        except UNREADABLE as error:
            raise InputError(f"folder:{self.path}: {name} cannot be read ({error}); mend it or make it again") from None

    @functools.cached_property
    def _stored(self) -> dict[str, str]:
        """Name -> the name under which the file is stored."""
        if self._zip:
            stored = {info.filename: _name_in(info) for info in self._zip.infolist() if not info.is_dir()}
        else:
            stored = {name: file_names.canonical(name) for name in file_names.below(self.path)}
        found = {name: own for own, name in sorted(stored.items()) if name and not file_names.is_litter(name)}
        found |= {name: own for own, name in stored.items() if own == name and name in found}
        return _without_top(found)

    @functools.cached_property
    def _by_ending(self) -> dict[str, list[str]]:
        """Last part of a name, in lower case -> the names that end in it."""
        found: dict[str, list[str]] = {}
        for name in self.names():
            found.setdefault(name.rpartition("/")[2].casefold(), []).append(name)
        return found


def _name_in(info: zipfile.ZipInfo) -> str:
    """The name of an entry; where its flag does not tell of UTF-8, it may be UTF-8 all the same."""
    name = info.filename
    if not info.flag_bits & _UTF8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return file_names.canonical(name)


def _without_top(stored: dict[str, str]) -> dict[str, str]:
    """Leaves out a folder around all files, unless the files lie in it side by side: then it says what they are."""
    while True:
        tops = {name.partition("/")[0] for name in stored}
        inner = {name.partition("/")[2]: own for name, own in stored.items()}
        described = any(name.casefold().endswith((".csv", ".tsv", ".txt", ".json")) for name in inner)
        if len(tops) != 1 or "" in inner or not (described or any("/" in name for name in inner)):
            return stored
        stored = inner
