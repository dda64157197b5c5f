"""Examples on disk: TFRecord shards whose content does not depend on the order in which workers deliver."""

from __future__ import annotations

import collections
import contextlib
import fnmatch
import hashlib
import heapq
import os
import struct
import uuid

import apache_beam as beam

from components.storage import files
from components.storage.artifacts import atomic_file
from components.storage.temporaries import TEMPORARY_PREFIX

SPLITS = ("train", "valid", "test")
SHARDS = 8
#: What a worker collects before it writes, in bytes, and where: a name that a run which was stopped removes.
RUN_BYTES = 32 * 2**20
RUNS = f"{TEMPORARY_PREFIX}runs"
#: Bytes of a record's name and of its payload, which follow. No pickles: they may lie in a bucket that others write to.
LENGTHS = struct.Struct("<QQ")


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def fraction(data: bytes) -> float:
    """A number in [0, 1) that depends on `data` alone, uniform over different data."""
    return int(digest(data)[:16], 16) / 2**64


class WriteShards(beam.PTransform):
    """Writes (split, name, tf.train.Example bytes) to `folder/<split>-<shard>.tfrecord`, sorted by name in each shard.

    A record's shard follows from its name, so that the same records give the same files with any runner. They are
    sorted on disk: workers write sorted runs of `RUN_BYTES`, and those of a shard are merged. Memory does not grow with
    the data, and runners pass on the names of runs only.

    Args:
        folder: Where the shards are written.
        indexed: Whether each gets an index (`components.storage.shard_index`), which takes examples with an array `x`.
    """

    def __init__(self, folder: str, indexed: bool = False):
        super().__init__()
        self.folder, self.indexed = folder, indexed

    def expand(self, records):
        return (
            records
            | "SortRuns" >> beam.ParDo(_SortRuns(os.path.join(self.folder, RUNS)))
            | "Group" >> beam.GroupByKey()
            | "Merge" >> beam.Map(_merge_runs, self.folder, self.indexed)
        )


class ReadShards(beam.PTransform):
    """PBegin -> the serialised records of all shards of a folder."""

    def __init__(self, folder: str):
        super().__init__()
        self.folder = folder

    def expand(self, begin):
        paths = begin | "Files" >> beam.Create(shard_files(self.folder))
        if not files.is_remote(self.folder):
            return paths | "Records" >> beam.io.ReadAllFromTFRecord()
        # Beam's own file systems would ask for credentials and addresses of their own.
        return paths | "Spread" >> beam.Reshuffle() | "Records" >> beam.FlatMap(_remote_records)


def _remote_records(url):
    import tensorflow as tf

    with files.borrowed(url) as path:
        yield from tf.data.TFRecordDataset(path).as_numpy_iterator()


class _SortRuns(beam.DoFn):
    """(split, name, payload) -> ((split, shard), path of a sorted run)."""

    def __init__(self, folder):
        self.folder = folder

    def start_bundle(self):
        self.records, self.size = collections.defaultdict(list), 0

    def process(self, record):
        split, name, payload = record
        self.records[split, int(fraction(name.encode()) * SHARDS)].append((name, payload))
        self.size += len(payload)
        if self.size >= RUN_BYTES:
            yield from self._write()

    def finish_bundle(self):
        for run in self._write():
            yield beam.transforms.window.GlobalWindows.windowed_value(run)

    def _write(self):
        if not files.is_remote(self.folder):
            os.makedirs(self.folder, exist_ok=True)
        for shard, records in self.records.items():
            path = os.path.join(self.folder, uuid.uuid4().hex)
            with atomic_file(path) as temporary, open(temporary, "wb") as file:
                for name, payload in sorted(records):
                    encoded = name.encode("utf-8", "surrogatepass")
                    file.write(LENGTHS.pack(len(encoded), len(payload)) + encoded + payload)
            yield shard, path
        self.start_bundle()


def _merge_runs(keyed, folder, indexed):
    import tensorflow as tf

    from components.storage.shard_index import write_index

    # The runs stay until the component is done: a runner may repeat this step.
    (split, shard), paths = keyed
    name = f"{split}-{shard:02d}-of-{SHARDS:02d}.tfrecord"
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(files.borrowed(path)) for path in paths]
        target = os.path.join(stack.enter_context(files.writing(folder)), name)
        with tf.io.TFRecordWriter(target) as writer:
            for _, payload in heapq.merge(*map(_records, runs)):
                writer.write(payload)
        if indexed:
            write_index(target)


def _records(path):
    with open(path, "rb") as file:
        while head := file.read(LENGTHS.size):
            name, payload = LENGTHS.unpack(head)
            yield file.read(name).decode("utf-8", "surrogatepass"), file.read(payload)


def remove_runs(folder: str) -> None:
    """Removes what `WriteShards` sorted in, once the pipeline has ended."""
    files.remove(os.path.join(folder, RUNS))


def shard_files(folder: str, split: str = "*") -> list[str]:
    """The shard files of a split (or of all), sorted."""
    return [os.path.join(folder, name) for name in fnmatch.filter(files.names(folder), f"{split}-*.tfrecord")]


def encode_example(features: dict) -> bytes:
    """A serialised tf.train.Example of bytes, text and lists of integers."""
    import tensorflow as tf

    def feature(value):
        if isinstance(value, (bytes, str)):
            value = value.encode() if isinstance(value, str) else value
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=value))

    example = tf.train.Example(features=tf.train.Features(feature={k: feature(v) for k, v in features.items()}))
    return example.SerializeToString(deterministic=True)


def decode_example(payload: bytes) -> dict:
    """The features of a serialised tf.train.Example: name -> bytes or list of integers."""
    import tensorflow as tf

    features = tf.train.Example.FromString(payload).features.feature
    return {
        name: feature.bytes_list.value[0] if feature.HasField("bytes_list") else list(feature.int64_list.value)
        for name, feature in features.items()
    }
