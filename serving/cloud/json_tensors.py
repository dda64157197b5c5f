"""TensorFlow Serving's JSON: predict requests to arrays, arrays to answers.

The contract is the RESTful API page of TensorFlow Serving's documentation.
"""

from __future__ import annotations

import binascii
import dataclasses
import itertools
import json
from typing import Any

import numpy as np
import orjson
import pybase64

from serving.cloud.servable import Signature
from serving.protocol.errors import ServingError

ROW, COLUMN = "instances", "inputs"
_KEYS = {ROW: "predictions", COLUMN: "outputs"}
_BYTES_SUFFIX = "_bytes"
_MAX_RANK = 32
#: Types of JSON values that arrays of a kind are made of; true and false are no numbers.
_LEAVES: dict[str, set[type]] = {"f": {int, float}, "i": {int}, "u": {int}, "b": {bool}}


@dataclasses.dataclass(frozen=True)
class PredictBody:
    """A parsed predict request: the name of its signature, its format (`ROW` or `COLUMN`) and what stands under it."""

    signature_name: str
    format: str
    value: Any


def parse(body: bytes) -> PredictBody:
    """Parses the body of a predict request; `NaN`, `Infinity` and `-Infinity` are numbers.

    Raises:
        ServingError: 400 if it is not the JSON object that the API wants.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _parse_leniently(body)
    if not isinstance(document, dict):
        raise ServingError(400, "JSON Value: Is not object")
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise ServingError(400, "'signature_name' key must be a string value.")
    present = [key for key in (ROW, COLUMN) if key in document]
    if len(present) != 1:
        text = "Missing 'inputs' or 'instances' key" if not present else "expecting only one of 'inputs' or 'instances'"
        raise ServingError(400, text)
    value = document[present[0]]
    if present[0] == ROW and not isinstance(value, list):
        raise ServingError(400, "Expecting 'instances' to be a list/array")
    if present[0] == ROW and not value:
        raise ServingError(400, "No values in 'instances' array")
    return PredictBody(name, present[0], value)


def to_arrays(body: PredictBody, signature: Signature) -> dict[str, np.ndarray]:
    """The arrays of a request, by input name.

    Raises:
        ServingError: 400 if names, nesting or types do not fit the signature.
    """
    names, value = list(signature.inputs), body.value
    if body.format == ROW:
        named = [isinstance(item, dict) and not _is_base64(item) for item in value]
        if any(named) and not all(named):
            raise ServingError(400, "'instances' must be a list of values or a list of objects, not a mix of both")
        if all(named):
            for index, item in enumerate(value):
                if set(item) != set(names):
                    raise ServingError(
                        400,
                        f"Failed to process element: {index} of 'instances' list. Keys must be equal to: "
                        f"{','.join(sorted(names))}",
                    )
            value = {name: [item[name] for item in value] for name in names}
    if not isinstance(value, dict) or _is_base64(value):
        if len(names) != 1:
            raise ServingError(
                400, f"{body.format} is a plain value/list, but expecting an object with the inputs {names}"
            )
        value = {names[0]: value}
    missing = [name for name in names if name not in value]
    if missing:
        raise ServingError(400, f"Missing named input: {missing[0]} in '{body.format}' object.")
    return {name: _to_array(name, value[name], spec.dtype.as_numpy_dtype) for name, spec in signature.inputs.items()}


def to_json(outputs: dict[str, np.ndarray], format: str) -> bytes:
    """The answer's body: one output without its name, several as objects; outputs called `*_bytes` in base64.

    Floats are written as the shortest decimals that read back as the same number, not finite ones as `NaN`,
    `Infinity` and `-Infinity`.

    Raises:
        ServingError: 400 if several outputs of different lengths are asked for by row.
    """
    if len(outputs) > 1 and format == ROW and len({value.shape[:1] for value in outputs.values()} | {()}) != 2:
        raise ServingError(400, "the outputs have no common 0-th dimension; ask in column format ('inputs')")
    if len(outputs) == 1:
        ((name, value),) = outputs.items()
        document = _jsonable(name, value)
    elif format == COLUMN:
        document = {name: _jsonable(name, value) for name, value in outputs.items()}
    else:
        columns = {name: _jsonable(name, value) for name, value in outputs.items()}
        document = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    document = {_KEYS[format]: document}
    if any(value.dtype.kind == "f" and not np.isfinite(value).all() for value in outputs.values()):
        return json.dumps(document, default=_decimals).encode()
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def error_body(message: str) -> bytes:
    """TensorFlow Serving's error object."""
    return orjson.dumps({"error": message.encode("utf-8", "replace").decode()})


def _parse_leniently(body: bytes) -> Any:
    """Python's own parser is slower, but reads the tokens for numbers that are not finite."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ServingError(400, f"JSON Parse error: {error or type(error).__name__}") from None


def _is_base64(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)


def _to_array(name: str, value: Any, dtype: Any) -> np.ndarray:
    dtype = np.dtype(dtype)
    if dtype.kind in "OSU":
        return _strings(name, value)
    shape, leaves = _leaves(name, value)
    # NumPy must not see other types: one text among numbers gives all of them the text's width.
    if not set(map(type, leaves)) <= _LEAVES.get(dtype.kind, set()):
        raise ServingError(400, f"JSON Value of input {name!r} is not of expected type: {dtype.name}")
    array = np.array(leaves).reshape(shape) if leaves else np.empty(shape, dtype)
    if array.dtype.kind == "O":
        raise ServingError(400, f"input {name!r} has values outside of {dtype.name}")
    if dtype.kind == "f":
        return _floats(array, dtype)
    if dtype.kind in "iu" and array.size:
        limits = np.iinfo(dtype)
        if array.min() < limits.min or array.max() > limits.max:
            raise ServingError(400, f"input {name!r} has values outside of {dtype.name}")
    return array.astype(dtype)


def _floats(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    with np.errstate(over="ignore"):
        result = array.astype(dtype)
    lossy = (
        np.isinf(result) & ~np.isinf(array)
        if array.dtype.kind == "f"
        else np.abs(array) >= 2.0 ** (np.finfo(dtype).nmant + 1)
    )
    if lossy.any():
        raise ServingError(
            400, f"Cannot convert JSON value: {array[lossy][0]} to {dtype.name} without loss of precision."
        )
    return result


def _strings(name: str, value: Any) -> np.ndarray:
    shape, leaves = _leaves(name, value)
    array = np.empty(len(leaves), object)
    for index, leaf in enumerate(leaves):
        array[index] = _string(name, leaf)
    return array.reshape(shape)


def _leaves(name: str, value: Any) -> tuple[list[int], list[Any]]:
    """Shape of nested lists, and what stands in the innermost ones in row-major order."""
    shape, leaves = [], [value]
    while leaves and isinstance(leaves[0], list):
        length = len(leaves[0])
        if any(not isinstance(item, list) or len(item) != length for item in leaves):
            raise ServingError(400, f"input {name!r} is not a tensor: its lists differ in length")
        shape.append(length)
        if len(shape) > _MAX_RANK:
            raise ServingError(400, f"input {name!r} is nested more than {_MAX_RANK} deep")
        leaves = list(itertools.chain.from_iterable(leaves))
    if any(isinstance(leaf, list) for leaf in leaves):
        raise ServingError(400, f"input {name!r} is not a tensor: its lists differ in length")
    return shape, leaves


def _string(name: str, leaf: Any) -> bytes:
    if isinstance(leaf, str):
        return leaf.encode("utf-8", "surrogatepass")
    if not _is_base64(leaf):
        raise ServingError(400, f"JSON Value of input {name!r} is not of expected type: string")
    try:
        return pybase64.b64decode(leaf["b64"], validate=True)
    except (binascii.Error, ValueError):
        raise ServingError(400, "Unable to base64 decode") from None


def _jsonable(name: str, value: np.ndarray) -> Any:
    if value.dtype.kind not in "OSU" and not value.ndim:
        return float(str(value)) if value.dtype.kind not in "iub" else value.item()
    if value.dtype.kind not in "OSU":
        # float16 and bfloat16 are exact in float32; others go as they are, which keeps the digits short.
        return np.ascontiguousarray(
            value.astype(np.float32) if value.dtype.itemsize == 2 and value.dtype.kind not in "iu" else value
        )
    if value.ndim:
        return [_jsonable(name, item) if isinstance(item, np.ndarray) else _text(name, item) for item in value]
    return _text(name, value.item())


def _text(name: str, value: Any) -> Any:
    if name.endswith(_BYTES_SUFFIX):
        return {"b64": pybase64.b64encode_as_string(value)}
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _decimals(array: np.ndarray) -> Any:
    """Nested lists of Python floats with the digits of the array's own precision."""
    if array.dtype.kind != "f":
        return array.tolist()
    return np.vectorize(lambda number: float(str(number)), otypes=[object])(array).tolist()
