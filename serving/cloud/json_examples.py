"""TensorFlow Serving's JSON for classify and regress requests: examples in, results out."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import numpy as np
from tensorflow.core.example import example_pb2, feature_pb2
from tensorflow_serving.apis import classification_pb2, input_pb2

from serving.cloud import json_tensors
from serving.cloud.inference import Result
from serving.protocol.errors import ServingError

_INT64, _UINT64_END = (-(2**63), 2**63 - 1), 2**64
_FIELDS = {"bytes_list": "bytes", "float_list": "float", "int64_list": "int64"}


def parse(body: bytes) -> tuple[str, input_pb2.Input]:
    """The name of the signature, empty for the default, and the examples of a classify or regress request.

    Raises:
        ServingError: 400 if it is not the JSON object that the API wants.
    """
    document, infinite = json_tensors.parse_object(body)
    name, given = json_tensors.signature_name(document), input_pb2.Input()
    if "context" in document:
        _fill(document["context"], given.example_list_with_context.context, infinite)
    examples = document.get("examples")
    if "examples" not in document:
        raise ServingError(400, "When method is classify, key 'examples' is expected and was not found")
    if not isinstance(examples, list):
        raise ServingError(400, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise ServingError(400, "'examples' value is an empty array")
    into = given.example_list_with_context if "context" in document else given.example_list
    for example in examples:
        _fill(example, into.examples.add(), infinite)
    return name, given


def to_json(result: Result) -> bytes:
    """The answer's body, with float32's own digits: `[[[LABEL, SCORE], ...], ...]` or `[VALUE, ...]` under `results`.

    Args:
        result: Of a classification or a regression.
    """
    rows: list[Any]
    if isinstance(result, classification_pb2.ClassificationResult):
        rows = [[[one.label, _decimal(one.score)] for one in row.classes] for row in result.classifications]
    else:
        rows = [_decimal(one.value) for one in result.regressions]
    return json.dumps({"results": rows}, ensure_ascii=False).encode()


def _decimal(value: float) -> float:
    return float(str(np.float32(value)))


def _fill(value: Any, example: example_pb2.Example, infinite: bool) -> None:
    if not isinstance(value, dict):
        raise ServingError(400, f"Example must be JSON object but got JSON {json_tensors.type_name(value)}")
    for name, content in value.items():
        feature = example.features.feature[name]
        for leaf in content if isinstance(content, list) else [content]:
            _add(feature, name, leaf, infinite)


def _float(name: str, number: float, infinite: bool) -> float:
    """A number as a double; one that comes out infinite in a document without infinities has too many digits."""
    with contextlib.suppress(OverflowError):
        if infinite or math.isfinite(number) or math.isnan(number):
            return float(number)
    raise ServingError(400, f"JSON Parse error: Number too big to be stored in double. (feature {name!r})")


def _add(feature: feature_pb2.Feature, name: str, leaf: Any, infinite: bool) -> None:
    if isinstance(leaf, int) and _INT64[0] <= leaf < _UINT64_END:
        field, leaf = "int64_list", int(leaf)  # protobuf takes no bool for a number
        if leaf > _INT64[1]:
            raise ServingError(400, f"Feature: {name} has uint64_t element. Only int64_t is supported.")
    elif isinstance(leaf, (int, float)):
        field, leaf = "float_list", _float(name, leaf, infinite)
    elif isinstance(leaf, str):
        field, leaf = "bytes_list", leaf.encode("utf-8", "surrogatepass")
    elif json_tensors.is_base64(leaf):
        field, leaf = "bytes_list", json_tensors.from_base64(leaf)
    else:
        raise ServingError(
            400, f"Feature: {name} has element with unexpected JSON type: {json_tensors.type_name(leaf)}"
        )
    kind = feature.WhichOneof("kind")
    if kind not in (None, field):
        raise ServingError(400, f"Unexpected element type in feature: {name} expecting type: {_FIELDS[kind]}")
    getattr(feature, field).value.append(leaf)
