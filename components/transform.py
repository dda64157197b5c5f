"""Transform: decodes examples into arrays, computes normalisation statistics on the train split, writes TFRecords."""

from __future__ import annotations

import os
from typing import Any

import apache_beam as beam
import msgspec
import numpy as np

from components.base import Component, ComponentSpec
from components.progress.elements import Counted
from components.records.dataset import DatasetSchema
from components.storage import bad_records, files
from components.storage.artifacts import Examples, RawExamples, write_json
from components.storage.records import BadRecord
from components.storage.tfrecords import ReadShards, WriteShards, decode_example, encode_example, remove_runs
from serving.edge import preprocess
from serving.edge.errors import BadInputError

#: The unit of work of the journal.
DECODING = "decoding examples"


class Transform(Component):
    """Decodes, crops, resizes (or takes the log-spectrogram) with the edge's own preprocessing.

    The arrays are written as they are; the statistics go into the schema, and from there into a normalisation layer
    inside M_pre, so that training, serving and the edge cannot differ.

    Parameters:
        preprocessing: A preprocessing of `serving.edge.preprocess`.
        max_bad_share: Largest share of bad records (0 to 1), those of the ingest included.

    Inputs:
        examples: `RawExamples`.

    Outputs:
        examples: `Examples`: features `name`, `x` (raw bytes of the array), `target` and `hidden/<column>` (class
            indices); the schema gains `preprocessing`, `shape`, `dtype`, `mean`, `variance` (one number a channel).

    Raises:
        InputError: If too many records are bad.
    """

    spec = ComponentSpec(
        inputs={"examples": RawExamples},
        outputs={"examples": Examples},
        parameters={"preprocessing": Any, "max_bad_share": float},
    )

    def execute(self, inputs, outputs, options):
        raw, folder = inputs["examples"], outputs["examples"].uri
        schema, preprocessing = raw.schema(), self.parameters["preprocessing"]
        with beam.Pipeline(options=options) as pipeline:
            decoded = (
                pipeline
                | "Read" >> ReadShards(raw.uri)
                | "Progress" >> Counted(DECODING, sum(schema.splits.values()))
                | "Decode" >> beam.ParDo(_Decode(schema, preprocessing)).with_outputs("bad", main="good")
            )
            _ = decoded.bad | "BadRecords" >> bad_records.WriteBadRecords(folder, raw.read_json(bad_records.FILE))
            _ = decoded.good | "Encode" >> beam.Map(_encode) | "Examples" >> WriteShards(folder, indexed=True)
            _ = (
                decoded.good
                | "Train" >> beam.Filter(lambda example: example["split"] == "train")
                | "Moments" >> beam.Map(lambda example: _moments(example["x"]))
                | "Sum" >> beam.CombineGlobally(_sum_moments)
                | "WriteStatistics" >> beam.Map(_write_statistics, folder)
            )
            _ = (
                decoded.good
                | "Splits" >> beam.Map(lambda example: example["split"])
                | "CountSplits" >> beam.combiners.Count.PerElement()
                | "CollectSplits" >> beam.combiners.ToDict()
                | "WriteSplits" >> beam.Map(lambda counts: write_json(os.path.join(folder, "splits.json"), counts))
            )
        remove_runs(folder)
        self._write_schema(schema, outputs["examples"])

    def _write_schema(self, schema, artifact):
        splits = artifact.read_json("splits.json")
        bad = artifact.read_json(bad_records.FILE)
        bad_records.check_share(bad, sum(splits.values()), self.parameters["max_bad_share"])
        preprocessing = self.parameters["preprocessing"]
        known = msgspec.structs.asdict(schema) | {"splits": {split: splits.get(split, 0) for split in schema.splits}}
        decoded = DatasetSchema(
            **known,
            bad_records=len(bad),
            preprocessing=preprocess.to_config(preprocessing),
            shape=preprocessing.shape,
            dtype=preprocessing.dtype,
            **artifact.read_json("statistics.json"),
        )
        write_json(artifact.path("schema.json"), decoded)
        for name in ("splits.json", "statistics.json"):
            files.remove(artifact.path(name))


class _Decode(beam.DoFn):
    """Turns a raw example into an array and class indices, or into a BadRecord."""

    def __init__(self, schema, preprocessing):
        self.schema = schema
        self.preprocessing = preprocessing
        self.index = {
            column: {value: index for index, value in enumerate(values)} for column, values in schema.classes.items()
        }

    def process(self, payload):
        record = decode_example(payload)
        name = record["name"].decode()
        try:
            x = self.preprocessing(record["content"])
        except BadInputError as error:
            yield beam.pvalue.TaggedOutput("bad", BadRecord(name, str(error)))
            return
        if not np.isfinite(x).all():
            yield beam.pvalue.TaggedOutput("bad", BadRecord(name, "it has values that are not finite numbers"))
            return
        yield {
            "split": record["split"].decode(),
            "name": name,
            "x": x,
            "target": [self._class(record, column) for column in self.schema.target],
            "hidden": {column: [self._class(record, column)] for column in self.schema.hidden},
        }

    def _class(self, record, column):
        value = record[f"label/{column}"].decode()
        binary = self.schema.task == "binary" and column in self.schema.target
        return int(value) if binary else self.index[column][value]


def _encode(example):
    hidden = {f"hidden/{column}": value for column, value in example["hidden"].items()}
    features = {"name": example["name"], "x": example["x"].tobytes(), "target": example["target"], **hidden}
    return example["split"], example["name"], encode_example(features)


def _moments(x):
    """Count, sum and sum of squares in each channel, float64 `[3, channels]`."""
    values = np.ascontiguousarray(x.reshape(-1, x.shape[-1]).T, np.float64)  # sums along memory are four times as fast
    return np.stack([np.full(len(values), values.shape[1]), values.sum(1), np.einsum("cn,cn->c", values, values)])


def _sum_moments(moments):
    return sum(moments, start=np.zeros((3, 1)))


def _write_statistics(moments, folder):
    count, total, squares = np.broadcast_to(moments, (3, moments.shape[-1]))
    mean = total / np.maximum(count, 1)
    variance = squares / np.maximum(count, 1) - mean**2
    write_json(os.path.join(folder, "statistics.json"), {"mean": mean.tolist(), "variance": variance.tolist()})
