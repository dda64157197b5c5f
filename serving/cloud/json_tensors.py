"""TensorFlow Serving's JSON: predict requests to arrays, arrays to answers.

The contract is the RESTful API page of TensorFlow Serving's documentation.
"""

from __future__ import annotations

import binascii
import contextlib
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
#: Types of JSON values that arrays of a kind are made of; true and false are no numbers. ml_dtypes' are of the kind V.
_LEAVES: dict[str, set[type]] = {"f": {int, float}, "V": {int, float}, "i": {int}, "u": {int}, "b": {bool}}
_WRITTEN = "fViubOSU"  # kinds of arrays that can be written
_TYPES = {
    dict: "Object",
    list: "Array",
    str: "String",
    type(None): "Null",
    int: "Number",
    float: "Number",
}
#: TensorFlow's names of dtypes where they are not NumPy's.
_DTYPES = {"float32": "float", "float64": "double", "float16": "half", "object": "string"}
_SHOWN = 256  # characters of a value in an error
_SPACE = str.maketrans("", "", " \t\n\v\f\r")


@dataclasses.dataclass(frozen=True)
class PredictBody:
    """A parsed predict request.

    Attributes:
        signature_name: Name of its signature, empty for the default.
        format: `ROW` or `COLUMN`.
        value: What stands under it.
        infinite: Whether the document may hold infinities; where it does not, one comes from digits too many.
    """

    signature_name: str
    format: str
    value: Any
    infinite: bool = False


def parse(body: bytes) -> PredictBody:
    """Parses the body of a predict request; `NaN`, `Infinity` and `-Infinity` are numbers.

    Raises:
        ServingError: 400 if it is not the JSON object that the API wants.
    """
    document, infinite = parse_object(body)
    name = signature_name(document)
    present = [key for key in (ROW, COLUMN) if key in document]
    if not present:
        raise ServingError(400, "Missing 'inputs' or 'instances' key")
    if len(present) > 1:
        raise ServingError(400, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist")
    value = document[present[0]]
    if present[0] == ROW and not isinstance(value, list):
        raise ServingError(400, f"JSON Value: {_shown(value)} Expecting 'instances' to be an list/array")
    if present[0] == ROW and not value:
        raise ServingError(400, "No values in 'instances' array")
    return PredictBody(name, present[0], value, infinite)


def parse_object(body: bytes) -> tuple[dict[str, Any], bool]:
    """The JSON object in a body, and whether `Infinity` or `-Infinity` stands in it.

    Raises:
        ServingError: 400 if there is none.
    """
    if not body.strip():
        raise ServingError(400, "JSON Parse error: The document is empty.")
    infinite = False
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document, infinite = _parse_leniently(body)
    if not isinstance(document, dict):
        raise ServingError(400, f"JSON Value: {_shown(document)} Is not object")
    return document, infinite


def signature_name(document: dict[str, Any]) -> str:
    """The signature that a request names, empty for the default; `ServingError` 400 if it is no text."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise ServingError(
            400,
            f"JSON Value: {_shown(document)} not formatted correctly. 'signature_name' key must be a string value.",
        )
    return name


def to_arrays(body: PredictBody, signature: Signature) -> dict[str, np.ndarray]:
    """The arrays of a request, by input name, of the signature's dtypes and whatever shapes.

    Raises:
        ServingError: 400 if names, nesting or types do not fit the signature.
    """
    columns = _columns_of_rows(body.value, signature) if body.format == ROW else _columns(body.value, signature)
    return {
        name: _to_array(name, columns[name], spec.dtype.as_numpy_dtype, body) for name, spec in signature.inputs.items()
    }


def _columns(value: Any, signature: Signature) -> dict[str, Any]:
    names = sorted(signature.inputs)
    if not isinstance(value, dict) or is_base64(value):
        if len(names) != 1:
            raise ServingError(
                400,
                f"inputs is a plain value/list, but expecting an object with the inputs {names} as multiple input "
                "tensors required as per tensorinfo_map",
            )
        return {names[0]: value}
    for name in names:
        if name not in value:
            raise ServingError(400, f"Missing named input: {name} in 'inputs' object.")
    return value


def _columns_of_rows(rows: list[Any], signature: Signature) -> dict[str, list[Any]]:
    names = sorted(signature.inputs)
    objects = isinstance(rows[0], dict) and not is_base64(rows[0])
    if not isinstance(rows[0], dict) and len(names) > 1:
        raise ServingError(
            400,
            f"instances is a plain list, but expecting list of objects with the inputs {names} as multiple input "
            "tensors required as per tensorinfo_map",
        )
    for index, row in enumerate(rows):
        if (isinstance(row, dict) and not is_base64(row)) != objects:
            wanted = "object but got list" if objects else "value/list but got object"
            raise ServingError(400, f"Expecting {wanted} at item {index} of input list")
        if not objects:
            continue
        if unknown := sorted(set(row) - set(names)):
            raise ServingError(
                400,
                f"Failed to process element: {index} key: {unknown[0]} of 'instances' list. Error: JSON object: does "
                f"not have named input: {unknown[0]}",
            )
        if len(row) != len(names):
            raise ServingError(
                400,
                f"Failed to process element: {index} of 'instances' list. JSON object: {_shown(row)} keys must be "
                f"equal to: {','.join(names)}",
            )
    return {name: [row[name] for row in rows] for name in names} if objects else {names[0]: rows}


def to_json(outputs: dict[str, np.ndarray], format: str) -> bytes:
    """The answer's body: one output without its name, several as objects; outputs called `*_bytes` in base64.

    Floats are written as the shortest decimals that read back as the same number, not finite ones as `NaN`,
    `Infinity` and `-Infinity`.

    Raises:
        ServingError: 400 if there are no outputs, if some without a common 0-th dimension are asked for by row, or if
            JSON has no values of their type.
    """
    if not outputs:
        raise ServingError(400, "Cannot convert empty tensor map to JSON: the signature has no outputs")
    for name, value in outputs.items():
        if value.dtype.kind not in _WRITTEN:
            raise ServingError(400, f"Failed to write JSON value for tensor type: {dtype_name(value.dtype)} ({name})")
    if format == ROW:
        _check_rows(outputs)
    if len(outputs) == 1:
        ((name, value),) = outputs.items()
        document = _jsonable(name, value)
    elif format == COLUMN:
        document = {name: _jsonable(name, value) for name, value in outputs.items()}
    else:
        columns = {name: _jsonable(name, value) for name, value in outputs.items()}
        document = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    document = {_KEYS[format]: document}
    if any(value.dtype.kind in "fV" and not np.isfinite(value).all() for value in outputs.values()):
        return json.dumps(document, default=_decimals).encode()
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def error_body(message: str) -> bytes:
    """TensorFlow Serving's error object."""
    return orjson.dumps({"error": message.encode("utf-8", "replace").decode()})


def type_name(value: Any) -> str:
    """What TensorFlow Serving calls the type of a JSON value."""
    return str(value) if isinstance(value, bool) else _TYPES[type(value)]


def is_base64(value: object) -> bool:
    """Whether a JSON value stands for bytes: `{"b64": TEXT}`."""
    return isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)


def from_base64(value: dict[str, str]) -> bytes:
    """The bytes of `{"b64": TEXT}`; as in TensorFlow Serving, padding may be missing and white space be there.

    Raises:
        ServingError: 400 if it is no base64.
    """
    text = value["b64"]
    try:
        return pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    try:
        bare = text.translate(_SPACE)
        digits = bare.rstrip("=")
        padding = -len(digits) % 4
        if len(bare) - len(digits) not in (0, padding):
            raise ValueError("the padding is not whole")
        return pybase64.b64decode(digits + "=" * padding, validate=True)
    except (binascii.Error, ValueError):
        raise ServingError(400, f"Unable to base64 decode: {_shown(text)}") from None


def _check_rows(outputs: dict[str, np.ndarray]) -> None:
    rows = {}
    for name, value in outputs.items():
        if not value.ndim:
            raise ServingError(
                400, f"Tensor name: {name} has no shape information (a scalar); ask in column format ('inputs')"
            )
        rows[name] = len(value)
        first = next(iter(rows.values()))
        if rows[name] != first:
            raise ServingError(
                400,
                f"Tensor name: {name} has inconsistent batch size: {rows[name]} expecting: {first}; ask in column "
                "format ('inputs')",
            )


def _parse_leniently(body: bytes) -> tuple[Any, bool]:
    """Python's own parser: slower, but it reads the tokens for numbers that are not finite; tells of infinite ones."""
    tokens = set()

    def constant(token: str) -> float:
        tokens.add(token)
        return float(token)

    try:
        return json.loads(body, parse_constant=constant), bool(tokens - {"NaN"})
    except json.JSONDecodeError as error:
        raise ServingError(400, f"JSON Parse error: Invalid value. {error.msg} at offset: {error.pos}") from None
    except (ValueError, RecursionError) as error:
        raise ServingError(400, f"JSON Parse error: {error or type(error).__name__}") from None


def _shown(value: Any) -> str:
    """A value as JSON, cut to what an error needs; no more of it is written."""
    text = ""
    with contextlib.suppress(RecursionError):
        for part in json.JSONEncoder().iterencode(value):
            text += part[:_SHOWN]
            if len(text) >= _SHOWN:
                break
    return text[:_SHOWN]


def dtype_name(dtype: Any) -> str:
    """TensorFlow's name of a NumPy dtype: `float`, `string`, `int32`, ..."""
    name = np.dtype(dtype).name
    return _DTYPES.get(name, name)


def _type_error(name: str, value: Any, dtype: np.dtype) -> ServingError:
    return ServingError(
        400,
        f"JSON Value: {_shown(value)} Type: {type_name(value)} is not of expected type: {dtype_name(dtype)} "
        f"(input {name!r})",
    )


def _to_array(name: str, value: Any, dtype: Any, body: PredictBody) -> np.ndarray:
    dtype = np.dtype(dtype)
    shape, leaves = _leaves(name, value, body.format)
    if dtype.kind in "OSU":
        array = np.empty(len(leaves), object)
        for index, leaf in enumerate(leaves):
            array[index] = _string(name, leaf, dtype)
        return array.reshape(shape)
    # NumPy must not see other types: one text among numbers gives all of them the text's width.
    allowed = _LEAVES.get(dtype.kind, set())
    if not set(map(type, leaves)) <= allowed:
        raise _type_error(name, next(leaf for leaf in leaves if type(leaf) not in allowed), dtype)
    try:
        if dtype.kind in "fV":
            return _floats(name, leaves, dtype, body.infinite).reshape(shape)
        return np.array(leaves, dtype).reshape(shape)
    except OverflowError:
        limits = np.finfo(np.float64) if dtype.kind in "fV" else np.iinfo(dtype)
        wrong = next(leaf for leaf in leaves if not limits.min <= leaf <= limits.max)
        raise _type_error(name, wrong, dtype) from None


def _floats(name: str, leaves: list[Any], dtype: np.dtype, infinite: bool) -> np.ndarray:
    """Numbers of a float dtype: what it does not hold exactly is rounded, what is too large becomes infinite."""
    exact = np.array(leaves, np.float64)
    if not infinite and np.isinf(exact).any():
        raise ServingError(400, f"JSON Parse error: Number too big to be stored in double. (input {name!r})")
    with np.errstate(over="ignore"):
        return exact.astype(dtype)


def _leaves(name: str, value: Any, format: str) -> tuple[list[int], list[Any]]:
    """Shape of nested lists, and what stands in the innermost ones in row-major order."""
    shape, leaves = [], [value]
    while leaves and isinstance(leaves[0], list):
        length = len(leaves[0])
        if any(not isinstance(item, list) or len(item) != length for item in leaves):
            raise _unequal(name, value, format)
        shape.append(length)
        if len(shape) > _MAX_RANK:
            raise ServingError(400, f"input {name!r} is nested more than {_MAX_RANK} deep")
        leaves = list(itertools.chain.from_iterable(leaves))
    if any(isinstance(leaf, list) for leaf in leaves):
        raise _unequal(name, value, format)
    return shape, leaves


def _unequal(name: str, value: Any, format: str) -> ServingError:
    """What to say of lists that differ in length or depth; of rows, which is the first that is not like the first."""
    if format == ROW:
        first, *others = ((_size(item), _shape(item)) for item in value)
        for index, (size, shape) in enumerate(others, 1):
            where = f"Failed to process element: {index} of 'instances' list (input {name!r}). Error: "
            if size != first[0]:
                return ServingError(400, f"{where}Expecting tensor size: {first[0]} but got: {size}")
            if shape != first[1]:
                return ServingError(400, f"{where}Expecting shape {first[1]} but got: {shape}")
    return ServingError(
        400, f"input {name!r} is not a tensor: Encountered list at unexpected size or level, its lists differ"
    )


def _shape(value: Any) -> str:
    sizes = []
    while isinstance(value, list):
        sizes.append(str(len(value)))
        value = value[0] if value else None
    return f"[{','.join(sizes)}]"


def _size(value: Any) -> int:
    level, count = [value], 0
    for _ in range(_MAX_RANK + 1):
        count += sum(not isinstance(item, list) for item in level)
        level = list(itertools.chain.from_iterable(item for item in level if isinstance(item, list)))
    return count


def _string(name: str, leaf: Any, dtype: np.dtype) -> bytes:
    if isinstance(leaf, str):
        return leaf.encode("utf-8", "surrogatepass")
    if is_base64(leaf):
        return from_base64(leaf)
    if isinstance(leaf, dict):
        raise ServingError(400, f"JSON Value: {_shown(leaf)} not formatted correctly for base64 data")
    raise _type_error(name, leaf, dtype)


def _jsonable(name: str, value: np.ndarray) -> Any:
    if value.dtype.kind not in "OSU" and not value.ndim:
        return float(str(value)) if value.dtype.kind not in "iub" else value.item()
    if value.dtype.kind not in "OSU":
        # float16, bfloat16 and less are exact in float32; others go as they are, which keeps the digits short.
        small = value.dtype.kind == "V" or value.dtype == np.float16
        return np.ascontiguousarray(value.astype(np.float32) if small else value)
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
