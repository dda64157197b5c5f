"""`folder:PATH`: a directory or a .zip as people have them, read in place.

Three layouts: a table of labels (`images/*` and `labels.csv`, of which a column names the files; CelebA's own list);
speech (the Speech Commands layout, `keyword/speaker_nohash_n.wav`); a folder of pictures for each class (`cat/1.jpg`),
which may lie in `train/`, `valid/` and `test/`. `dataset.json` may hold `kind` ("image" or "audio") and the lists
`target` and `hidden` of label columns.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os

import apache_beam as beam

from components.errors import InputError
from components.storage.records import BadRecord, RawExample, as_binary
from components.storage.tfrecords import digest
from pipeline.datasets.archive import UNREADABLE, Files
from pipeline.datasets.labels import one_called, read_table, table_among
from serving.edge.file_names import EXTENSIONS, UNREAD_PICTURES

SPEECH_COLUMNS = ("keyword", "speaker")
CLASS_COLUMN = "class"
#: Folders that are no classes but splits.
SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "test": "test",
}
SPLITS |= {"dev": "valid", "testing": "test"}
KNOWN_KEYS = ("kind", "target", "hidden")
#: Keys of dataset.json that tell of the data alone.
TOLD_KEYS = {"name", "title", "description", "license", "licence", "source", "citation", "url", "version", "author"}


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
        """What `dataset.json` says, else all columns if each is one of two values, or the only one.

        Raises:
            InputError: If nothing says which of the columns it is.
        """
        index = self._index
        if index["target"] is not None:
            return index["target"]
        others = [column for column in index["columns"] if not self._is_binary(column)]
        if others and len(index["columns"]) > 1:
            columns = ", ".join(index["columns"][:8]) + (", ..." if len(index["columns"]) > 8 else "")
            raise InputError(
                f"folder:{self.path} has the label columns {columns}, and nothing says which to learn: name it with "
                "--target COLUMN (several with commas, if each is 0 or 1), or in dataset.json"
            )
        return index["columns"]

    @property
    def hidden(self) -> tuple[str, ...]:
        return self._index["hidden"]

    @property
    def examples(self) -> int:
        """How many files or rows there are, damaged ones too."""
        return len(self._index["examples"])

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
        kind, columns, target, examples = _layout(files, names)
        if not examples:
            raise InputError(
                f"folder:{self.path} has neither images/ with labels.csv, nor keyword/speaker_nohash_n.wav files, nor "
                f"a folder of pictures for each class; it has {', '.join(names[:3]) or 'nothing'}"
            )
        fingerprint = _fingerprint(files, names)
        if self.limit is not None and self.limit < len(examples):
            chosen = sorted(examples, key=lambda example: digest(_name(example).encode()))[: self.limit]
            examples = sorted(chosen, key=_name)
            fingerprint += f"-{self.limit}"
        hidden = tuple(column for column in ("speaker",) if columns == SPEECH_COLUMNS)
        return {
            "kind": described.get("kind", kind),
            "columns": columns,
            "target": tuple(described["target"]) if "target" in described else target,
            "hidden": tuple(described.get("hidden", hidden)),
            "examples": examples,
            "fingerprint": fingerprint,
        }

    def _is_binary(self, column):
        rows = (example for example in self._index["examples"] if not isinstance(example, BadRecord))
        return all(as_binary(labels[column]) for _, labels in rows if labels[column])

    def classes(self, column: str) -> int | None:
        labels = (example[1] for example in self._index["examples"] if not isinstance(example, BadRecord))
        return len({label[column] for label in labels if label.get(column)})

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
            yield BadRecord(name, f"the file cannot be read: {_plainly(error)}")
        else:
            split = _split_of(name) if CLASS_COLUMN in labels else None
            yield RawExample(name, content, labels, split)


def _layout(files, names):
    """The kind, the label columns, the target if that is plain, and `(name, labels)` or a `BadRecord` of each file."""
    table = table_among(files, names)
    if table:
        found = read_table(files, table)
        if not found.columns:
            raise InputError(f"folder:{files.path}: {table} has no label columns beside the names of files; add one")
        sounds = sum(_name(row).casefold().endswith(EXTENSIONS["audio"]) for row in found.rows)
        return "audio" if 2 * sounds > len(found.rows) else "image", found.columns, None, found.rows
    sounds = [name for name in names if name.casefold().endswith(EXTENSIONS["audio"]) and not _is_background(name)]
    if sounds:
        return "audio", SPEECH_COLUMNS, SPEECH_COLUMNS[:1], [(name, _speech_labels(name)) for name in sounds]
    endings = EXTENSIONS["image"] + UNREAD_PICTURES
    pictures = [(name, {CLASS_COLUMN: _class_of(name)}) for name in names if name.casefold().endswith(endings)]
    if len({labels[CLASS_COLUMN] for _, labels in pictures}) < 2:
        return "image", (), None, []
    return "image", (CLASS_COLUMN,), (CLASS_COLUMN,), pictures


def _is_background(name):
    """Whether a recording is in a folder like `_background_noise_`, which is no keyword, or is called like one."""
    return any(part.startswith("_") for part in name.split("/"))


def _class_of(name):
    """The folder that a picture is in; empty if it is in none."""
    folder = os.path.basename(os.path.dirname(name))
    return "" if folder.casefold() in SPLITS else folder


def _split_of(name):
    return next((SPLITS[part.casefold()] for part in name.split("/")[:-2] if part.casefold() in SPLITS), None)


def _plainly(error):
    """What an error says, without the quotation marks of a KeyError and the path that stands in front of it."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error.args[0] if error.args else error)


def _name(example):
    return example.name if isinstance(example, BadRecord) else example[0]


def _speech_labels(name):
    """Labels from `.../keyword/speaker_nohash_n.wav`; empty where the name does not have that form."""
    keyword, _, file = name.rpartition("/")
    speaker, mark, _ = file.partition("_nohash_")
    return {"keyword": os.path.basename(keyword), "speaker": speaker if mark else ""}


def _description(files, names):
    name = one_called(names, "dataset.json")
    if name is None:
        return {}
    try:
        described = json.loads(files.text(name))
    except json.JSONDecodeError as error:
        raise InputError(f"{files.path}: dataset.json is not JSON: {error}") from None
    if not isinstance(described, dict) or described.get("kind", "image") not in ("image", "audio"):
        raise InputError(f"{files.path}: dataset.json must be an object whose 'kind' is image or audio: {described!r}")
    unknown = [key for key in described if key not in KNOWN_KEYS and key.casefold() not in TOLD_KEYS]
    if unknown:
        raise InputError(
            f"{files.path}: dataset.json has the unknown key {', '.join(map(repr, unknown))}; expected "
            f"{', '.join(KNOWN_KEYS)}: mend or remove it"
        )
    for key in ("target", "hidden"):
        columns = described.get(key, [])
        if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
            raise InputError(f"{files.path}: {key!r} in dataset.json must be a list of columns; it is {columns!r}")
    return described


def _fingerprint(files, names):
    """Changes with the list of files and with any file; a copied archive has that of the first."""
    marks = [f"{name} {files.mark(name)}" for name in names]
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()
