"""The packed wire format: one byte string per example, a header and then raw little-endian values.

A mixture on its way up and the answer to it on its way down look alike:

| bytes | content |
| --- | --- |
| 2 | `DM` |
| 1 | version of this layout, 1 |
| 1 | code of the dtype of the values (`CODES`) |
| 4 | scale, float32: int8 values are multiplied with it, others are not |
| 8 | tag: random for each row, echoed in the answer, so that the edge notices when rows changed places |
| 8 | answers only: fingerprint of the cloud model |
| rest | the values in row-major order |

An int8 row is answered in float16: an answer is small, and de-mixing adds up what eight answers lost. NumPy only,
because the edge uses it; `serving.cloud.packed` does the same inside the cloud model's graph.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

MAGIC, LAYOUT = b"DM", 1
CODES = {"float32": 0, "float16": 1, "bfloat16": 2, "int8": 3}
ITEM_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
ANSWER_DTYPES = {"float32": "float32", "float16": "float16", "bfloat16": "bfloat16", "int8": "float16"}
TAG_BYTES = FINGERPRINT_BYTES = 8
REQUEST_HEADER = 4 + 4 + TAG_BYTES
ANSWER_HEADER = REQUEST_HEADER + FINGERPRINT_BYTES
_INT8_MAX = 127
_REBIAS = np.float32(2.0**-112)  # moves float32's exponents to float16's
# From these magnitudes on, rounding to nearest gives infinity.
_INFINITE = {"float32": np.inf, "float16": 65520.0, "bfloat16": (2 - 2.0**-8) * 2.0**127, "int8": np.inf}


class WireError(ValueError):
    """A row that is not what the layout says."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """One unpacked answer: float32 `values`, the `tag` of the row that it answers, the model's `fingerprint`."""

    values: np.ndarray
    tag: bytes
    fingerprint: bytes


def pack(rows: np.ndarray, dtype: str, tags: list[bytes]) -> list[bytes]:
    """Packs mixtures for the `packed` signature.

    Args:
        rows: Float32 `[rows, ...]`, finite.
        dtype: One of `CODES`. float16 holds values up to 65,504; int8 scales each row by its largest magnitude.
        tags: 8 bytes for each row.

    Returns:
        One byte string for each row.

    Raises:
        WireError: If the dtype is unknown, or a value is not finite or does not fit the dtype.
    """
    _check_dtype(dtype)
    flat = np.ascontiguousarray(rows, np.float32).reshape(len(rows), -1)
    # The extremes tell it all, a NaN among them, in one pass without temporary arrays.
    largest = max(flat.max(initial=0), -flat.min(initial=0))
    if not np.isfinite(largest):
        raise WireError("rows to send must be finite numbers")
    if largest >= _INFINITE[dtype]:
        raise WireError(f"a value of {largest:.3g} does not fit {dtype}" + "; use bfloat16" * (dtype == "float16"))
    scales = np.ones(len(rows), "<f4")
    if dtype == "int8":
        scales = (np.maximum(flat.max(axis=1, initial=0), -flat.min(axis=1, initial=0)) / _INT8_MAX).astype("<f4")
        scales[scales == 0] = 1
        steps = flat / scales[:, None]
        values = np.rint(steps, out=steps).clip(-_INT8_MAX, _INT8_MAX, out=steps).astype(np.int8)
    elif dtype == "float32":
        values = flat.astype("<f4", copy=False)
    else:
        convert = {"float16": _to_float16, "bfloat16": _to_bfloat16}[dtype]
        values = [convert(row) for row in flat]  # a row and its temporary arrays fit the cache
    start = MAGIC + bytes([LAYOUT, CODES[dtype]])
    return [
        b"".join((start, scale.tobytes(), tag, memoryview(value).cast("B")))
        for scale, tag, value in zip(scales, tags, values, strict=True)
    ]


def unpack_answer(row: bytes, shape: tuple[int, ...]) -> Answer:
    """Reads one row of the `packed` signature's answer.

    Args:
        row: The byte string.
        shape: Shape that the values must have.

    Raises:
        WireError: If the row is not of this layout or not of this shape.
    """
    if len(row) < ANSWER_HEADER or row[:2] != MAGIC or row[2] != LAYOUT:
        raise WireError(f"expected an answer of layout {LAYOUT}, received {len(row)} bytes starting {row[:4].hex()}")
    dtype = next((name for name, code in CODES.items() if code == row[3]), None)
    if dtype is None:
        raise WireError(f"expected a dtype code of {sorted(CODES.values())}, received {row[3]}")
    expected = ANSWER_HEADER + math.prod(shape) * ITEM_BYTES[dtype]
    if len(row) != expected:
        raise WireError(f"expected {expected} bytes for {dtype} of shape {shape}, received {len(row)}")
    body = row[ANSWER_HEADER:]
    if dtype == "bfloat16":
        values = (np.frombuffer(body, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        values = np.frombuffer(body, {"float32": "<f4", "float16": "<f2", "int8": "i1"}[dtype]).astype(np.float32)
    if dtype == "int8":
        values = values * np.frombuffer(row[4:8], "<f4")[0]
    tag_end = 8 + TAG_BYTES
    return Answer(values.reshape(shape), row[8:tag_end], row[tag_end:ANSWER_HEADER])


def _to_float16(values: np.ndarray) -> np.ndarray:
    """IEEE half precision of finite float32 below 65,520 in magnitude, rounded to nearest even, as bits in `<u2`.

    The same as `astype(np.float16)`, which takes three times as long; numbers below 2^-14, half precision's subnormal
    ones, are rounded twice and may be off by one part in 2^13 of their last bit.
    """
    bits = (values * _REBIAS).view(np.uint32)
    signs = bits >> 16
    signs &= 0x8000
    bits &= 0x7FFFFFFF
    rounding = bits >> 13
    rounding &= 1
    rounding += 0xFFF
    bits += rounding
    bits >>= 13
    bits |= signs
    return bits.astype("<u2")


def _to_bfloat16(values: np.ndarray) -> np.ndarray:
    """The upper half of finite float32, rounded to nearest even, as `<u2`."""
    bits = values.view(np.uint32)
    rounding = bits >> 16
    rounding &= 1
    rounding += 0x7FFF
    rounding += bits
    rounding >>= 16
    return rounding.astype("<u2")


def _check_dtype(dtype: str) -> None:
    if dtype not in CODES:
        raise WireError(f"the wire's dtype must be one of {sorted(CODES)}, received {dtype!r}")
