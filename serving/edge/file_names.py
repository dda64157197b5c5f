"""Names of the files that people have: the same rules for pictures, recordings, covers and archives."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator

#: How names of files end that are read, by what they are.
EXTENSIONS = {
    "image": (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".avif"),
    ),
    "audio": (".wav",),
}
#: Pictures that are not read, and which remedy their error names.
UNREAD_PICTURES = (".heic", ".heif")
#: What systems put beside people's files, beside all whose name begins with a dot.
_LITTER = {"__macosx", "thumbs.db", "desktop.ini", "@eadir"}


def canonical(name: str) -> str:
    """A relative name as it is compared: with `/`, without `.` and empty parts, its accents composed (NFC).

    Programs of Windows write backslashes, macOS stores accents apart (NFD).
    """
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def is_litter(name: str) -> bool:
    """Whether a relative name is hidden (`._a.jpg`, `.DS_Store`) or in such a folder, or a system's own."""
    return any(part.startswith(".") or part.casefold() in _LITTER for part in canonical(name).split("/"))


def below(folder: str) -> Iterator[str]:
    """Names of all files below a folder, relative to it, with `/`, sorted in each folder; without litter.

    Links are followed, but for those to a folder that they lie in. What cannot be listed has no files, and what is no
    file is left out (pipes, devices: reading them may never end), but for links to nothing.
    """
    return _below(folder, "", frozenset())


def _below(folder: str, place: str, around: frozenset[str]) -> Iterator[str]:
    real = os.path.realpath(folder)
    if real in around:
        return
    try:
        found = [entry for entry in os.scandir(folder) if not is_litter(entry.name)]
        entries = sorted((entry.name, entry.is_dir()) for entry in found if not _is_endless(entry))
    except OSError:
        return
    yield from (place + name for name, is_folder in entries if not is_folder)
    for name, is_folder in entries:
        if is_folder:
            yield from _below(os.path.join(folder, name), f"{place}{name}/", around | {real})


def _is_endless(entry: os.DirEntry[str]) -> bool:
    return not entry.is_dir() and not entry.is_file() and os.path.exists(entry.path)


def leads_out(folder: str, name: str) -> bool:
    """Whether a file of a folder, or a link on the way to it, lies outside of the folder."""
    root = os.path.realpath(folder)
    return os.path.commonpath([root, os.path.realpath(os.path.join(root, name))]) != root
