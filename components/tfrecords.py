"""Examples on disk: TFRecord shards whose content does not depend on the order in which workers deliver."""

from __future__ import annotations

import glob
import hashlib
import os

import apache_beam as beam

SPLITS = ("train", "valid", "test")
SHARDS = 8


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def fraction(data: bytes) -> float:
    """A number in [0, 1) that depends on `data` alone, uniform over different data."""
    return int(digest(data)[:16], 16) / 2**64


class WriteShards(beam.PTransform):
    """Writes (split, name, tf.train.Example bytes) to `folder/<split>-<shard>.tfrecord`, sorted by name in each shard.

    A record's shard follows from its name, so that the same records give the same files with any runner.
    """

    def __init__(self, folder: str):
        super().__init__()
        self.folder = folder

    def expand(self, records):
        return (
            records
            | "ByShard" >> beam.Map(_keyed)
            | "Group" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_shard, self.folder)
        )


def _keyed(record):
    split, name, payload = record
    return (split, int(fraction(name.encode()) * SHARDS)), (name, payload)


def _write_shard(keyed, folder):
    import tensorflow as tf

    (split, shard), records = keyed
    path = os.path.join(folder, f"{split}-{shard:02d}-of-{SHARDS:02d}.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for _, payload in sorted(records):
            writer.write(payload)
    return path


def shard_files(folder: str, split: str = "*") -> list[str]:
    """The shard files of a split (or of all), sorted."""
    return sorted(glob.glob(os.path.join(folder, f"{split}-*.tfrecord")))


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
