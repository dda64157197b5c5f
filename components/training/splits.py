"""A split of the examples, row by row: in memory where it fits, else read from its shards when a row is asked for.

Rows come in the order of a hash of the names. Names often come sorted by class or person; groups of consecutive
examples would then have mates of one kind. Which way a split is read changes no number.
"""

from __future__ import annotations

import os
import threading
import weakref
import zlib
from typing import Any

import numpy as np

from components.errors import InputError
from components.storage import memory
from components.storage.artifacts import Examples
from components.storage.local_copies import local_copy
from components.storage.shard_index import read_index
from components.storage.tfrecords import decode_example, shard_files

#: Rows that are asked for before the first of them is read.
TOGETHER = 256
#: Splits that some part of this process holds: each once, whoever reads it.
_held: weakref.WeakValueDictionary[Any, np.ndarray] = weakref.WeakValueDictionary()
_lock = threading.RLock()


class Rows:
    """Inputs `[n, ...]` of which rows are read when they are asked for: `x[5]`, `x[2:7]`, `x[indices]`, `x[mask]`.

    It has an array's `shape`, `dtype`, `ndim` and length. `np.asarray` reads all of it.

    Args:
        source: An array, `Rows`, or what has `shape`, `dtype` and reads rows by an int array.
        rows: Which of its rows these are, ints `[n]`; default: all.
    """

    def __init__(self, source: Any, rows: np.ndarray | None = None):
        self.source, self.rows = source, rows
        self.shape = (len(source) if rows is None else len(rows), *source.shape[1:])
        self.dtype, self.ndim = source.dtype, len(source.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen):
        if isinstance(chosen, slice):
            rows = np.arange(len(self))[chosen]
        else:
            rows = np.asarray(chosen)
            rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        if rows.ndim == 0:
            return self[rows[None]][0]
        if rows.size and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"expected rows below {len(self)}, received {rows.max()}")
        rows = np.where(rows < 0, rows + len(self), rows)
        return self.source[rows if self.rows is None else self.rows[rows]]

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self[:], dtype)

    def taken(self, rows) -> Rows:
        """Some of the rows, not yet read: ints, or a mask `[n]`."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Rows(self.source, rows if self.rows is None else self.rows[rows])


class Split:
    """A split of `Examples`.

    Beside the inputs, where they are held, it keeps some 30 bytes of each example and its labels.

    Args:
        examples: The artifact.
        split: `"train"`, `"valid"` or `"test"`.

    Attributes:
        schema: The artifact's.
        x: Inputs `[n, ...]` in the stored dtype, not to be written to: an array, or `Rows` where the split does not fit
            what this process may hold (`components.storage.memory`).

    Raises:
        InputError: If a shard is damaged, when a row of it is read.
    """

    def __init__(self, examples: Examples, split: str):
        self.schema = examples.schema()
        self._shards = shard_files(local_copy(examples.uri), split)
        found = [read_index(shard) for shard in self._shards]
        order = np.argsort(_joined([index.order for index in found], np.uint64), kind="stable")
        numbers = [np.full(len(index.starts), number, np.uint16) for number, index in enumerate(found)]
        self._shard = _joined(numbers, np.uint16)[order]
        self._starts, self._lengths, self._places, self._sums = (
            _joined([getattr(index, name) for index in found], kind)[order]
            for name, kind in (("starts", np.int64), ("lengths", np.uint32), ("places", np.uint32), ("sums", np.uint32))
        )
        columns = found[0].columns if found else {}
        self._columns = {name: np.concatenate([index.columns[name] for index in found])[order] for name in columns}
        self.x: Any = _inputs(self._shards, _Stored(self))

    def __len__(self) -> int:
        return len(self._starts)

    def labels(self, label: str = "target", rows=slice(None)) -> np.ndarray:
        """Labels of rows, int32 `[n]`, or `[n, labels]` for several binary ones.

        Args:
            label: `"target"`, or the name of a hidden column.
            rows: Which rows; default: all.
        """
        single = self.schema.task == "categorical" or label != "target"
        width = 1 if single else len(self.schema.target)
        column = self._columns.get("target" if label == "target" else f"hidden/{label}")
        values = np.zeros((0, width), np.int32) if column is None else column[rows].astype(np.int32)
        return values[..., 0] if single else values

    def names(self, rows=slice(None)) -> list[str]:
        """Names of rows; their records are read."""
        return [decode_example(self._read(row))["name"].decode() for row in np.arange(len(self))[rows]]

    def _read(self, row):
        with open(self._shards[self._shard[row]], "rb") as file:
            return os.pread(file.fileno(), int(self._lengths[row]), int(self._starts[row]))


class _Stored:
    """The arrays of a split in its shards, by row."""

    def __init__(self, split: Split):
        import ml_dtypes

        schema = split.schema
        self.dtype = np.dtype(getattr(ml_dtypes, schema.dtype, schema.dtype))
        self.shape = (len(split), *schema.shape)
        self.size = int(np.prod(schema.shape)) * self.dtype.itemsize
        self._paths, self._shard, self._sums = split._shards, split._shard, split._sums
        self._at = split._starts + split._places
        # Open from now on: a copy of remote files may be removed while a training reads it.
        self._open = [os.open(path, os.O_RDONLY) for path in self._paths]
        weakref.finalize(self, _close, self._open)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows) -> np.ndarray:
        """Reads rows, ints `[m]`, in the order in which they lie on disk."""
        rows = np.asarray(rows)
        found = np.empty((len(rows), self.size), np.uint8)
        order = np.lexsort((self._at[rows], self._shard[rows]))
        for start in range(0, len(rows), TOGETHER):
            places = order[start : start + TOGETHER]
            self._read(found, places, rows[places])
        return found.view(self.dtype).reshape(len(rows), *self.shape[1:])

    def _read(self, found, places, rows):
        """Reads rows to their places in `found`."""
        where = [values[rows].tolist() for values in (self._shard, self._at, self._sums)]
        if hasattr(os, "posix_fadvise"):  # all at once, so that a disk need not wait for the next question
            for shard, at, _ in zip(*where, strict=True):
                os.posix_fadvise(self._open[shard], at, self.size, os.POSIX_FADV_WILLNEED)
        for place, shard, at, wanted in zip(places.tolist(), *where, strict=True):
            row = found[place]
            if os.preadv(self._open[shard], [row], at) != self.size or zlib.crc32(row) != wanted:
                raise InputError(
                    f"expected the examples as they were written, but {self._paths[shard]} is damaged at byte {at}; "
                    "remove the run's artifacts/transform and run it again"
                )


def rows_of(examples: Examples, split: str, label: str = "target") -> tuple[Any, np.ndarray]:
    """Inputs and labels of a whole split.

    Args:
        examples: The artifact.
        split: `"train"`, `"valid"` or `"test"`.
        label: `"target"`, or the name of a hidden column.

    Returns:
        `(x, y)`: `x` `[n, ...]` as of `Split.x`, `y` int32 `[n]` or `[n, labels]`.
    """
    found = Split(examples, split)
    return found.x, found.labels(label)


def taken(x: Any, rows) -> Any:
    """Some rows of inputs, ints or a mask; of `Rows` they are not read yet."""
    return x.taken(rows) if isinstance(x, Rows) else x[rows]


def _inputs(shards, stored):
    """All inputs of a split in memory, from whoever in this process holds them, or `Rows` where they do not fit."""
    states = [os.stat(shard) for shard in shards]
    key = tuple((path, file.st_ino, file.st_mtime_ns, file.st_size) for path, file in zip(shards, states, strict=True))
    with _lock:
        known = _held.get(key)
        if known is not None and shards:
            return known
        held = sum(array.nbytes for array in _held.values())
        if held + len(stored) * stored.size > memory.allowed():
            return Rows(stored)
        known = stored[np.arange(len(stored))]
        known.flags.writeable = False
        _held[key] = known
    return known


def _joined(parts, kind):
    return np.concatenate([np.zeros(0, kind), *parts])


def _close(files):
    for file in files:
        os.close(file)
