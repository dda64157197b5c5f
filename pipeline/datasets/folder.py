"""`folder:PATH`: a directory or a .zip as people have them, read in place.

Two layouts: pictures (`images/*`, `labels.csv` whose first column is `file`, optionally `dataset.json`) and speech (the
Speech Commands layout, `keyword/speaker_nohash_n.wav`, optionally `dataset.json`). `dataset.json` holds `kind`
("image" or "audio") and the lists `target` and `hidden` of label columns.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import hashlib
import io
import json
import lzma
import os
import posixpath
import struct
import zipfile
import zlib

import apache_beam as beam

from components.errors import InputError
from components.storage.records import BadRecord, RawExample
from components.storage.tfrecords import digest

SPEECH_COLUMNS = ("keyword", "speaker")
REPLACED = "\ufffd"  # what stands for bytes that are not UTF-8
#: What reading a damaged file or archive raises: missing, cut off, encrypted, of an unknown method, wrong checksum.
UNREADABLE = (
    *(EOFError, KeyError, OSError, RuntimeError, ValueError, OverflowError),
    *(struct.error, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)


class Files:
    """The files of a directory or a zip archive, by their names relative to its root."""

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
        if self._zip:
            return sorted(info.filename for info in self._zip.infolist() if not info.is_dir())
        return sorted(
            os.path.relpath(os.path.join(parent, name), self.path).replace(os.sep, "/")
            for parent, _, names in os.walk(self.path)
            for name in names
        )

    def check(self, name: str) -> None:
        """Refuses a name that leads out of the directory. Raises ValueError."""
        if posixpath.isabs(name) or os.path.isabs(name) or posixpath.normpath(name).split("/")[0] == "..":
            raise ValueError("it lies outside of the data set; move it into images/ and name it from there")

    def mark(self, name: str) -> str:
        """Changes with a file's content, without reading it: the archive's checksum, or the file's size and time."""
        if self._zip:
            return str(self._zip.getinfo(name).CRC)
        stat = os.stat(os.path.join(self.path, name))
        return f"{stat.st_size} {stat.st_mtime_ns}"

    def read(self, name: str) -> bytes:
        """The content of a file. Raises one of `UNREADABLE` if it cannot be read."""
        self.check(name)
        if self._zip:
            return self._zip.read(name)
        with open(os.path.join(self.path, name), "rb") as file:
            return file.read()

    def text(self, name: str, errors: str = "strict") -> str:
        """A text file in UTF-8. Raises InputError if it cannot be read."""
        try:
            return self.read(name).decode("utf-8-sig", errors)
        except UNREADABLE as error:
            raise InputError(f"folder:{self.path}: {name} cannot be read ({error}); mend it or make it again") from None


@dataclasses.dataclass(frozen=True)
class Folder:
    """A directory or zip archive as a data set; implements `components.storage.records.Source`.

    Args:
        path: Where it is.
        limit: Most examples, chosen by a hash of their names; `None` for all.

    Raises:
        InputError: If it is not there, is cut off, or has neither of the two layouts.
    """

    path: str
    limit: int | None = None

    @property
    def name(self) -> str:
        return os.path.splitext(os.path.basename(os.path.normpath(self.path)))[0]

    @property
    def kind(self) -> str:
        return self._index["kind"]

    @property
    def columns(self) -> tuple[str, ...]:
        return self._index["columns"]

    @property
    def target(self) -> tuple[str, ...]:
        return self._index["target"]

    @property
    def hidden(self) -> tuple[str, ...]:
        return self._index["hidden"]

    @property
    def official(self) -> tuple[str, ...]:
        return ()

    @property
    def fingerprint(self) -> str:
        return self._index["fingerprint"]

    @functools.cached_property
    def _index(self):
        files = Files(self.path)
        names = files.names()
        described = _description(files, names)
        if "labels.csv" in names:
            kind, (columns, examples) = "image", _pictures(files)
        else:
            wavs = [name for name in names if name.lower().endswith(".wav") and not name.startswith("_")]
            examples = [(name, _speech_labels(name)) for name in wavs]
            kind, columns = "audio", SPEECH_COLUMNS
        if not examples:
            raise InputError(
                f"folder:{self.path} has neither images/ with labels.csv nor keyword/speaker_nohash_n.wav files; it "
                f"has {', '.join(names[:3]) or 'nothing'}"
            )
        fingerprint = _fingerprint(files, names)
        if self.limit is not None and self.limit < len(examples):
            chosen = sorted(examples, key=lambda example: digest(_name(example).encode()))[: self.limit]
            examples = sorted(chosen, key=_name)
            fingerprint += f"-{self.limit}"
        default_target, default_hidden = (("keyword",), ("speaker",)) if kind == "audio" else (columns, ())
        return {
            "kind": described.get("kind", kind),
            "columns": columns,
            "target": tuple(described.get("target", default_target)),
            "hidden": tuple(described.get("hidden", default_hidden)),
            "examples": examples,
            "fingerprint": fingerprint,
        }

    def read(self) -> beam.PTransform:
        return _ReadFolder(self.path, self._index["examples"])


class _ReadFolder(beam.PTransform):
    def __init__(self, path, examples):
        super().__init__()
        self.path = path
        self.examples = examples

    def expand(self, begin):
        return (
            begin
            | "Names" >> beam.Create(self.examples)
            | "Spread" >> beam.Reshuffle()
            | "ReadFiles" >> beam.ParDo(_ReadFile(self.path))
        )


class _ReadFile(beam.DoFn):
    def __init__(self, path):
        self.path = path

    def setup(self):
        self.files = Files(self.path)

    def process(self, example):
        if isinstance(example, BadRecord):
            yield example
            return
        name, labels = example
        try:
            content = self.files.read(name)
        except UNREADABLE as error:
            yield BadRecord(name, f"the file cannot be read: {error}")
        else:
            yield RawExample(name, content, labels)


def _pictures(files):
    """The label columns, and `(name, labels)` or a `BadRecord` for each row of labels.csv.

    Every line is read by itself, so that a stray quotation mark takes no other row with it.
    """
    lines = list(io.StringIO(files.text("labels.csv", errors="replace"), newline=None))
    header = _cells(lines[0]) if lines else None
    if not header or header[0] != "file" or REPLACED in lines[0] or len(set(header)) < len(header):
        raise InputError(
            f"{files.path}: the first line of labels.csv must be 'file' and the names of the label columns, each once; "
            f"it is {header}"
        )
    examples = []
    for number, line in enumerate(lines[1:], start=2):
        cells = _cells(line)
        if cells is None or REPLACED in line:
            examples.append(BadRecord(f"labels.csv, line {number}", f"it is not CSV in UTF-8: {line[:80]!r}"))
        elif cells and len(cells) != len(header):
            reason = f"it has {len(cells)} cells, but there are {len(header)} columns: {line[:80]!r}"
            examples.append(BadRecord(f"labels.csv, line {number}", reason))
        elif cells:
            examples.append((f"images/{cells[0]}", dict(zip(header[1:], cells[1:], strict=True))))
    if not examples:
        raise InputError(f"{files.path}: labels.csv lists no files")
    return tuple(header[1:]), examples


def _name(example):
    return example.name if isinstance(example, BadRecord) else example[0]


def _cells(line):
    """The cells of a line of CSV, or `None` if it is not CSV."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], strict=True), [])]
    except csv.Error:
        return None


def _speech_labels(name):
    """Labels from `.../keyword/speaker_nohash_n.wav`; empty where the name does not have that form."""
    keyword, _, file = name.rpartition("/")
    speaker, mark, _ = file.partition("_nohash_")
    return {"keyword": os.path.basename(keyword), "speaker": speaker if mark else ""}


def _description(files, names):
    if "dataset.json" not in names:
        return {}
    try:
        described = json.loads(files.text("dataset.json"))
    except json.JSONDecodeError as error:
        raise InputError(f"{files.path}: dataset.json is not JSON: {error}") from None
    if not isinstance(described, dict) or described.get("kind", "image") not in ("image", "audio"):
        raise InputError(f"{files.path}: dataset.json must be an object whose 'kind' is image or audio: {described!r}")
    for key in ("target", "hidden"):
        columns = described.get(key, [])
        if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
            raise InputError(f"{files.path}: {key!r} in dataset.json must be a list of columns; it is {columns!r}")
    return described


def _fingerprint(files, names):
    """Changes with the list of files and with any file; a copied archive has that of the first."""
    marks = [f"{name} {files.mark(name)}" for name in names]
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()
