"""`schema.json`: what is known of a data set's examples."""

from __future__ import annotations

from typing import Any

from components.records.serialising import Record


class RawSchema(Record, kw_only=True):
    """Of `RawExamples`; ExampleGen writes it.

    Attributes:
        name: The data set's.
        kind: `"image"` or `"audio"`.
        fingerprint: Changes when the data set's files do.
        target: Label columns that models learn.
        hidden: Label columns that attackers are after.
        task: `"binary"` (several 0/1 columns) or `"categorical"` (one column with classes).
        classes: Column -> its values in the order of the class indices.
        label_counts: Column -> value -> examples that have it.
        splits: Split -> its examples.
        official_split: Whether the splits are the data set's own; else they follow from a hash of the content.
        conflicting: Contents that occur several times with different targets.
    """

    name: str
    kind: str
    fingerprint: str
    target: tuple[str, ...]
    hidden: tuple[str, ...]
    task: str
    classes: dict[str, tuple[str, ...]]
    label_counts: dict[str, dict[str, int]]
    splits: dict[str, int]
    official_split: bool
    conflicting: int = 0


class DatasetSchema(RawSchema, kw_only=True):
    """Of `Examples`; Transform writes it.

    Attributes:
        bad_records: Records that were left out.
        preprocessing: What makes arrays of files, as of `serving.edge.preprocess.to_config`.
        shape: Of one input, `(height, width, channels)`.
        dtype: Of its numbers as they are stored.
        mean: Of the train split, one number a channel.
        variance: Likewise.
    """

    bad_records: int
    preprocessing: dict[str, Any]
    shape: tuple[int, ...]
    dtype: str
    mean: tuple[float, ...]
    variance: tuple[float, ...]


class Dataset(Record, kw_only=True):
    """What metrics and pages tell of a data set; the fields are those of `DatasetSchema`, the last two for pages."""

    name: str
    kind: str
    fingerprint: str
    target: tuple[str, ...]
    hidden: tuple[str, ...]
    task: str
    splits: dict[str, int]
    bad_records: int
    shape: tuple[int, ...]
    official_split: bool
    conflicting: int = 0
    preprocessing: dict[str, Any] | None = None
    label_counts: dict[str, dict[str, int]] | None = None

    @classmethod
    def of(cls, schema: DatasetSchema, whole: bool = False) -> Dataset:
        """What is told of a schema; with all that pages tell if it is `whole`."""
        told = {name: getattr(schema, name) for name in cls.__struct_fields__}
        return cls(**told) if whole else cls(**told | {"preprocessing": None, "label_counts": None})
