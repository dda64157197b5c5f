"""ExampleGen: reads a data set as it lies, checks its labels, splits it, writes TFRecords."""

from __future__ import annotations

import collections
import os
import re
import sys
from typing import Any

import apache_beam as beam

from components.base import Component, ComponentSpec
from components.errors import InputError
from components.progress.elements import Counted
from components.records.dataset import RawSchema
from components.storage import bad_records, files
from components.storage.artifacts import RawExamples, write_json
from components.storage.records import BadRecord, RawExample, as_binary
from components.storage.tfrecords import SPLITS, WriteShards, digest, encode_example, fraction, remove_runs

MAX_CLASSES = 100_000
#: The unit of work of the journal.
READING = "reading examples"
_NUMBER = re.compile(r"-?[0-9]+")


class ExampleGen(Component):
    """Ingests a `Source`.

    Parameters:
        source: The data set, a `components.storage.records.Source`.
        target: Label columns to learn; one column with classes, or several binary ones: 0 and 1, -1 and 1, yes and no,
            True and False.
        hidden: Label columns that attackers are after.
        valid_share, test_share: Shares of the examples, from 0 to 1. The split of an example follows from a hash of its
            content alone: equal pictures are never in different splits, and adding examples moves no other.
        official_split: Whether to take the data set's own split lists instead. Where these have no validation examples,
            a share of the train list, by the same hash, becomes such.
        max_bad_share: Largest share of bad records (0 to 1) before the run stops.

    Outputs:
        examples: `RawExamples`: features `name`, `content`, `split`, `label/<column>` (of several targets 0 or 1). How
            many contents occur with different targets is counted and told.

    Raises:
        InputError: If a column does not exist, labels do not fit the task, too many records are bad, or there are no
            lists of an official split.
    """

    spec = ComponentSpec(
        inputs={},
        outputs={"examples": RawExamples},
        parameters={
            "source": Any,
            "target": tuple,
            "hidden": tuple,
            "valid_share": float,
            "test_share": float,
            "official_split": bool,
            "max_bad_share": float,
        },
    )

    def execute(self, inputs, outputs, options):
        source, folder = self.parameters["source"], outputs["examples"].uri
        columns = self._columns()
        if self.parameters["official_split"] and not {"train", "test"} <= set(_official(source)):
            raise InputError(
                f"data set {source.name!r} has no official lists of train and test examples; leave out --split official"
            )
        with beam.Pipeline(options=options) as pipeline:
            checked = (
                pipeline
                | "Read" >> source.read()
                | "Progress" >> Counted(READING, getattr(source, "examples", None))
                | "Check"
                >> beam.ParDo(_Check(columns, self._binary, self.parameters, _official(source))).with_outputs(
                    "bad", main="good"
                )
            )
            _ = checked.bad | "BadRecords" >> bad_records.WriteBadRecords(folder)
            _ = checked.good | "Encode" >> beam.Map(_encode, self._binary) | "Examples" >> WriteShards(folder)
            _ = (
                checked.good
                | "Targets" >> beam.Map(_targets, self.parameters["target"])
                | "Together" >> beam.CombinePerKey(_union)
                | "Conflicts" >> beam.Filter(lambda found: len(found[1]) > 1)
                | "CountConflicts" >> beam.combiners.Count.Globally()
                | "WriteConflicts" >> beam.Map(lambda count: write_json(os.path.join(folder, "conflicts.json"), count))
            )
            _ = (
                checked.good
                | "Labels" >> beam.FlatMap(_label_counts)
                | "Count" >> beam.combiners.Count.PerElement()
                | "CollectCounts" >> beam.combiners.ToList()
                | "WriteCounts" >> beam.Map(_write_counts, folder)
            )
        remove_runs(folder)
        self._write_schema(source, outputs["examples"])

    @property
    def _binary(self):
        """Columns of which each value is one of two."""
        return self.parameters["target"] if len(self.parameters["target"]) > 1 else ()

    def _columns(self):
        source, columns = self.parameters["source"], self.parameters["target"] + self.parameters["hidden"]
        for column in columns:
            if column not in source.columns:
                raise InputError(
                    f"data set {source.name!r} has no label column {column!r}; it has {', '.join(source.columns)}"
                )
        if not self.parameters["target"]:
            raise InputError(f"data set {source.name!r} names no target; name label columns with --target")
        return columns

    def _write_schema(self, source, artifact):
        counted = _as_binary(artifact.read_json("counts.json"), self._binary)
        # Counts come in the order of a runner; columns are written in that of the parameters.
        labels, splits = {column: {} for column in self._columns()}, dict.fromkeys(SPLITS, 0)
        for split, column, value, count in counted:
            if column is None:
                splits[split] += count
            else:
                labels[column][value] = labels[column].get(value, 0) + count
        bad_records.check_share(
            artifact.read_json(bad_records.FILE), sum(splits.values()), self.parameters["max_bad_share"]
        )
        empty = [split for split in SPLITS if not splits[split]]
        if empty:
            raise InputError(
                f"expected examples in every split, but {', '.join(empty)} has none of {sum(splits.values())}; add "
                "examples or change --valid_share and --test_share"
            )
        self._check_target_in(splits, counted)
        schema = RawSchema(
            name=source.name,
            kind=source.kind,
            fingerprint=source.fingerprint,
            target=self.parameters["target"],
            hidden=self.parameters["hidden"],
            task=_task(self.parameters["target"], labels),
            classes={column: tuple(sorted(values, key=_natural)) for column, values in labels.items()},
            label_counts={column: dict(sorted(values.items())) for column, values in labels.items()},
            splits=splits,
            official_split=self.parameters["official_split"],
            conflicting=artifact.read_json("conflicts.json"),
        )
        write_json(artifact.path("schema.json"), schema)
        for name in ("counts.json", "conflicts.json"):
            files.remove(artifact.path(name))
        if schema.conflicting:
            print(
                f"{source.name}: {schema.conflicting} {schema.kind} content(s) occur several times with different "
                f"{', '.join(schema.target[:3])}; no model can learn them",
                file=sys.stderr,
            )

    def _check_target_in(self, splits, counted):
        """Each split must have two values of a target column at least: else there is nothing to learn or to measure."""
        for split in splits:
            values = collections.Counter(column for where, column, *_ in counted if where == split)
            if all(values[column] < 2 for column in self.parameters["target"]):
                raise InputError(
                    f"expected two values of {', '.join(self.parameters['target'])} in every split, but all "
                    f"{splits[split]} examples of {split} have one; add examples or change --valid_share and "
                    "--test_share"
                )


class _Check(beam.DoFn):
    """Passes on whole examples with their split filled in; tags the rest as bad."""

    def __init__(self, columns, binary, parameters, official):
        self.columns = columns
        self.binary = binary
        self.without_valid = parameters["official_split"] and "valid" not in official
        self.official = parameters["official_split"]
        self.test_below, self.valid_share = parameters["test_share"], parameters["valid_share"]
        self.valid_below = parameters["test_share"] + parameters["valid_share"]

    def process(self, record):
        if isinstance(record, BadRecord):
            yield beam.pvalue.TaggedOutput("bad", record)
            return
        missing = [column for column in self.columns if not record.labels.get(column)]
        if missing:
            reason = f"label {', '.join(missing)} is missing"
            yield beam.pvalue.TaggedOutput("bad", BadRecord(record.name, reason))
            return
        for column in self.binary:
            if as_binary(record.labels[column]) is None:
                reason = (
                    f"target {column!r} is {record.labels[column]!r}, but several targets must each be 0 or 1 (or -1 "
                    "and 1, yes and no, true and false); one alone may have classes: name it with --target"
                )
                yield beam.pvalue.TaggedOutput("bad", BadRecord(record.name, reason))
                return
        split = record.split if self.official else self.split_of(record.content)
        if self.without_valid and split == "train" and fraction(record.content) < self.valid_share:
            split = "valid"
        if split not in SPLITS:
            reason = f"its official split is {split!r}; expected {', '.join(SPLITS)}: leave --split official out"
            yield beam.pvalue.TaggedOutput("bad", BadRecord(record.name, reason))
            return
        labels = {column: record.labels[column] for column in self.columns}
        yield RawExample(record.name, record.content, labels, split)

    def split_of(self, content):
        place = fraction(content)
        if place < self.test_below:
            return "test"
        return "valid" if place < self.valid_below else "train"


def _official(source):
    """The splits of a source's own lists; of one that does not say which, all."""
    return getattr(source, "official", SPLITS)


def _encode(example, binary):
    labels = {
        f"label/{column}": as_binary(value) if column in binary else value for column, value in example.labels.items()
    }
    features = {"name": example.name, "content": example.content, "split": example.split, **labels}
    return example.split, example.name, encode_example(features)


def _label_counts(example):
    yield example.split, None, None
    for column, value in example.labels.items():
        yield example.split, column, value


def _targets(example, target):
    """A content's digest, and the set of its one target."""
    return digest(example.content), frozenset([tuple(example.labels[column] for column in target)])


def _union(sets):
    return frozenset().union(*sets)


def _as_binary(counted, binary):
    """Counts of labels, those of binary columns by what they mean.

    Raises:
        InputError: If a column has both -1 and 0: then one of them means that nobody knows.
    """
    meant = collections.Counter()
    for split, column, value, count in counted:
        meant[split, column, as_binary(value) if column in binary else value] += count
    for column in binary:
        written = {value for _, name, value, _ in counted if name == column}
        if {"-1", "-1.0"} & written and {"0", "0.0"} & written:
            raise InputError(
                f"target {column!r} has the values {', '.join(sorted(written))}; expected two: write 0 and 1, and "
                "remove or leave empty what nobody knows"
            )
    return [[*key, count] for key, count in meant.items()]


def _write_counts(counts, folder):
    write_json(os.path.join(folder, "counts.json"), [[*key, count] for key, count in counts])


def _task(target, labels):
    """`"binary"` for several 0/1 columns, `"categorical"` for one column with classes."""
    for column in target:
        if len(labels[column]) > MAX_CLASSES:
            raise InputError(f"target {column!r} has {len(labels[column])} different values; expected a class label")
    if len(target) == 1 and len(labels[target[0]]) < 2:
        raise InputError(f"target {target[0]!r} has only the value {next(iter(labels[target[0]]))!r}: nothing to learn")
    return "binary" if len(target) > 1 else "categorical"


def _natural(value):
    """Numbers in their order, then texts."""
    return (0, int(value), value) if _NUMBER.fullmatch(value) else (1, 0, value)
