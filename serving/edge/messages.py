"""Messages to the cloud and their answers, in TensorFlow Serving's REST format: packed bytes or plain JSON."""

from __future__ import annotations

import binascii
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import pybase64

from serving.edge.errors import BadAnswerError, EdgeError
from serving.edge.keys import random_tags
from serving.edge.manifest import Manifest
from serving.protocol import wire

JSON = "json"
WIRES = (*wire.CODES, JSON)


class Message:
    """One request: built once, sent as often as it takes, always the same bytes.

    Args:
        mixtures: Float32 `[rows, ...]`.
        wire_format: A dtype of `serving.protocol.wire` or `"json"` (plain numbers for the signature `serving_default`).
        described: The bundle's manifest.

    Raises:
        EdgeError: If a mixture is not finite or does not fit the format.
    """

    def __init__(self, mixtures: np.ndarray, wire_format: str, described: Manifest) -> None:
        self._rows, self._described, self._packed = len(mixtures), described, wire_format != JSON
        if self._packed:
            self._tags = random_tags(len(mixtures), wire.TAG_BYTES)
            try:
                rows = wire.pack(mixtures, wire_format, self._tags)
            except wire.WireError as error:
                raise EdgeError(f"cannot send the features: {error}") from error
            instances = [b'"},{"b64":"'] * (2 * len(rows) - 1)
            instances[::2] = map(pybase64.b64encode, rows)
            instances = [b'{"b64":"', *instances, b'"}']
            signature = described.packed_signature
        else:
            # Nine digits read back as the same float32.
            rows = [[float(f"{value:.9g}") for value in row.ravel()] for row in mixtures]
            rows = [_nest(row, described.feature_shape) for row in rows]
            instances = [json.dumps(rows, separators=(",", ":"), allow_nan=False).encode()[1:-1]]
            signature = described.signature
        # Joined by hand: a JSON writer would look through megabytes of base64 for characters to escape.
        start = b'{"signature_name":%b,"instances":[' % json.dumps(signature).encode()
        self.body = b"".join((start, *instances, b"]}"))

    def read(self, content: bytes) -> np.ndarray:
        """The answers, float32 `[rows, ...]`, in the order of the mixtures.

        Raises:
            BadAnswerError: If the answer has other rows, another order, shape or dtype, comes from another model, or
                holds
                numbers that are not finite.
        """
        try:
            predictions = json.loads(content)["predictions"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadAnswerError(f"expected a JSON object with predictions, received {content[:200]!r}") from error
        if not isinstance(predictions, list) or len(predictions) != self._rows:
            count = len(predictions) if isinstance(predictions, list) else "no list of"
            raise BadAnswerError(f"expected answers to {self._rows} rows, received {count}")
        answers = self._unpack(predictions) if self._packed else self._from_numbers(predictions)
        if not np.isfinite(answers).all():
            raise BadAnswerError("the answer holds numbers that are not finite")
        return answers

    def _unpack(self, predictions: list[Any]) -> np.ndarray:
        shape, answers = self._described.answer_shape, []
        for index, (prediction, tag) in enumerate(zip(predictions, self._tags, strict=True)):
            try:
                answer = wire.unpack_answer(pybase64.b64decode(prediction["b64"], validate=True), shape)
            except (wire.WireError, binascii.Error, KeyError, TypeError, ValueError) as error:
                raise BadAnswerError(f"row {index} of the answer cannot be read: {error}") from error
            if answer.fingerprint.hex() != self._described.fingerprint:
                raise BadAnswerError(
                    f"the answer comes from the model {answer.fingerprint.hex()}, this bundle belongs to "
                    f"{self._described.fingerprint} ({self._described.model_name} version "
                    f"{self._described.model_version})"
                )
            if answer.tag != tag:
                raise BadAnswerError(f"the answer's rows changed places: row {index} answers another row")
            answers.append(answer.values)
        return np.stack(answers)

    def _from_numbers(self, predictions: list[Any]) -> np.ndarray:
        try:
            answers = np.asarray(predictions)
        except ValueError as error:
            raise BadAnswerError(f"the rows of the answer differ in shape: {error}") from error
        expected = (self._rows, *self._described.answer_shape)
        if answers.shape != expected or answers.dtype.kind not in "if":
            raise BadAnswerError(
                f"expected numbers of shape {expected}, received {answers.dtype} of shape {answers.shape}"
            )
        return answers.astype(np.float32)


def path(described: Manifest) -> str:
    """Where messages go: the bundle's own version, so that another one cannot answer."""
    return f"/v1/models/{quote(described.model_name, safe='')}/versions/{described.model_version}:predict"


def _nest(values: list[Any], shape: Sequence[int]) -> list[Any]:
    for size in reversed(shape[1:]):
        values = [values[start : start + size] for start in range(0, len(values), size)]
    return values
