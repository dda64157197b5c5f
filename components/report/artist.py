"""Inputs of a group and what is rebuilt of them, as pictures and sounds in data URIs."""

from __future__ import annotations

import numpy as np

from components.report import drawing, sound
from components.storage.artifacts import RawExamples
from components.storage.tfrecords import decode_example, shard_files
from serving.edge import preprocess


class Artist:
    """Draws, and plays, inputs and features of one group.

    Args:
        schema: Of `Examples`: `kind` and `preprocessing` count.
        inputs: Inputs `[n, ...]`, which decide on the range of colours of spectrograms.
        features: The group's features `[S_G, ...]`, which decide on direction and range of colours.
    """

    def __init__(self, schema, inputs, features):
        self.features = drawing.FeaturePictures(features)
        self.speech = schema.kind == "audio"
        self.preprocessing = preprocess.from_config(schema.preprocessing)
        self.range = np.percentile(inputs, (1, 99.5))

    def raw(self, x, recording) -> dict:
        """An input `[...]`, and its file where it is a recording: `pictures`, and `sound` if there is one."""
        cell = {"pictures": [self._input(x)]}
        if recording is not None:
            cell["sound"] = sound.wav_uri(self.preprocessing.decode(recording), self.preprocessing.sample_rate)
        return cell

    def cell(self, feature, rebuilt) -> dict:
        """A feature above the input that was rebuilt from it: `pictures`, and `sound` for speech."""
        upright = feature[::-1] if self.speech and feature.ndim > 1 else feature  # as spectrograms are drawn
        cell = {"pictures": [drawing.png_uri(self.features.draw(upright)), self._input(rebuilt)]}
        if self.speech:
            cell["sound"] = sound.wav_uri(
                sound.audible(np.clip(rebuilt, None, self.range[1] + 2), self.preprocessing),
                self.preprocessing.sample_rate,
            )
        return cell

    def _input(self, x):
        return drawing.png_uri(drawing.spectrogram(x, *self.range) if self.speech else drawing.photo(x))


def recordings(raw: RawExamples, names) -> dict[str, bytes]:
    """The files of the named test examples, as they were ingested."""
    import tensorflow as tf

    found = {}
    for payload in tf.data.TFRecordDataset(shard_files(raw.uri, "test")).as_numpy_iterator():
        record = decode_example(payload)
        name = record["name"].decode()
        if name in names:
            found[name] = record["content"]
    return found


def correlations(first, second) -> list[float]:
    """Correlation of each pair; 0 where one of them does not vary."""
    first, second = (
        part.reshape(len(part), -1) - part.reshape(len(part), -1).mean(1, keepdims=True) for part in (first, second)
    )
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return list((first * second).sum(1) / np.maximum(norms, 1e-9))
