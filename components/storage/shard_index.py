"""Where the records of a shard are, so that any of them can be read without those before it.

Beside `train-00-of-08.tfrecord` lies `train-00-of-08.index.npz`: for each record its place in the file, the place of
its array, a checksum of that, a hash of its name, and its labels. An epoch in any order, a batch of any number and a
training that goes on then read what they need and no more, and labels are known without reading a picture.
"""

from __future__ import annotations

import array
import dataclasses
import hashlib
import os
import zlib

import numpy as np

RECORD, INDEX = ".tfrecord", ".index.npz"
#: Bytes of a TFRecord's length and its checksum in front of a payload, and of the payload's checksum behind it.
BEFORE, BEHIND = 12, 4
#: What the names of label columns begin with in an index file.
COLUMN = "column:"


@dataclasses.dataclass(frozen=True)
class ShardIndex:
    """What is known of a shard's `n` records, in the order of the file.

    Attributes:
        starts: Where the payloads begin in the file, in bytes, int64 `[n]`.
        lengths: Their bytes, uint32 `[n]`.
        places: Where the array begins in each payload, uint32 `[n]`.
        sums: CRC-32 of each array's bytes, uint32 `[n]`.
        order: The first 64 bits of SHA-256 of each name, uint64 `[n]`.
        columns: Label column -> its values `[n, width]`, in the smallest integers that hold them.
    """

    starts: np.ndarray
    lengths: np.ndarray
    places: np.ndarray
    sums: np.ndarray
    order: np.ndarray
    columns: dict[str, np.ndarray]


def index_path(shard: str) -> str:
    """Where the index of a shard file is."""
    return shard.removesuffix(RECORD) + INDEX


def make_index(shard: str) -> ShardIndex:
    """Reads a shard from start to end.

    Args:
        shard: A local TFRecord file of examples with a `name`, an array's bytes `x`, and labels.
    """
    import tensorflow as tf

    from components.storage.tfrecords import decode_example

    starts, lengths, places, sums, order = (array.array("Q") for _ in range(5))
    columns, at = {}, BEFORE
    for payload in tf.data.TFRecordDataset(shard).as_numpy_iterator():  # which checks TFRecord's own checksums
        features = decode_example(payload)
        x = features.pop("x")
        starts.append(at)
        lengths.append(len(payload))
        places.append(payload.rindex(x))
        sums.append(zlib.crc32(x))
        order.append(int.from_bytes(hashlib.sha256(features.pop("name")).digest()[:8], "big"))
        for name, values in features.items():
            columns.setdefault(name, array.array("q")).extend(values)
        at += len(payload) + BEHIND + BEFORE
    return ShardIndex(
        np.array(starts, np.int64),
        np.array(lengths, np.uint32),
        np.array(places, np.uint32),
        np.array(sums, np.uint32),
        np.array(order, np.uint64),
        {name: _small(np.array(values, np.int64).reshape(len(starts), -1)) for name, values in columns.items()},
    )


def write_index(shard: str) -> None:
    """Writes the index of a local shard file beside it."""
    found = make_index(shard)
    own = {field.name: getattr(found, field.name) for field in dataclasses.fields(found) if field.name != "columns"}
    with open(index_path(shard), "wb") as file:
        np.savez(file, **own, **{COLUMN + name: values for name, values in found.columns.items()})


def read_index(shard: str) -> ShardIndex:
    """The index of a local shard file; of one that older versions wrote without, it is made."""
    path = index_path(shard)
    if not os.path.exists(path):
        return make_index(shard)
    with np.load(path) as file:
        own = {name: file[name] for name in file.files}
    columns = {name.removeprefix(COLUMN): own.pop(name) for name in list(own) if name.startswith(COLUMN)}
    return ShardIndex(**own, columns=columns)


def _small(values):
    least, most = (int(bound) for bound in (values.min(initial=0), values.max(initial=0)))
    return values.astype(np.result_type(np.min_scalar_type(least), np.min_scalar_type(most)))
