"""The packed wire format (`serving.protocol.wire`) inside a TensorFlow graph: bytes to rows, rows to bytes.

Rows of different dtypes may share a batch, because the server batches requests of different clients. A row that
cannot be read becomes NaN, and so does its answer, so that it spoils nobody else's.
"""

from __future__ import annotations

import math
import struct

import tensorflow as tf

from serving.protocol import wire

_UNREADABLE = -1
_TO_THE_END = 2**31 - 1


def decode(rows: tf.Tensor, shape: tuple[int, ...]) -> tuple[tf.Tensor, tf.Tensor]:
    """Unpacks byte strings.

    Args:
        rows: String tensor `[batch]`.
        shape: Shape of one row's values.

    Returns:
        `values`, float32 `[batch, *shape]`, and `headers`, string `[batch]`, from which `encode` makes the answers'
        headers.
    """
    size = math.prod(shape)
    padded = tf.strings.join([rows, b"\0" * wire.REQUEST_HEADER])
    headers = tf.strings.substr(padded, 0, wire.REQUEST_HEADER)
    body = tf.strings.substr(padded, wire.REQUEST_HEADER, _TO_THE_END)
    fields = tf.io.decode_raw(headers, tf.uint8, fixed_length=wire.REQUEST_HEADER)
    scales = tf.bitcast(fields[:, 4:8], tf.float32)[:, None]
    codes = _codes(fields, tf.strings.length(rows) - wire.REQUEST_HEADER, size)
    indices, parts = [], []
    for dtype, code in wire.CODES.items():
        index = tf.where(codes == code)[:, 0]
        indices.append(index)
        parts.append(_values(tf.gather(body, index), dtype, size, tf.gather(scales, index)))
    unreadable = tf.where(codes == _UNREADABLE)[:, 0]
    indices.append(unreadable)
    parts.append(tf.fill([tf.size(unreadable), size], math.nan))
    values = tf.dynamic_stitch([tf.cast(index, tf.int32) for index in indices], parts)
    return tf.reshape(values, (-1, *shape)), headers


def encode(values: tf.Tensor, headers: tf.Tensor, fingerprint: bytes) -> tf.Tensor:
    """Packs answers.

    Args:
        values: Float32 `[batch, ...]`.
        headers: What `decode` returned for the same rows.
        fingerprint: 8 bytes that name the model.

    Returns:
        String tensor `[batch]`.
    """
    size = math.prod(values.shape[1:])
    values = tf.reshape(values, (-1, size))
    asked = tf.cast(tf.io.decode_raw(headers, tf.uint8, fixed_length=wire.REQUEST_HEADER)[:, 3], tf.int32)
    tags = tf.strings.substr(headers, 8, wire.TAG_BYTES)
    answered = {code: wire.ANSWER_DTYPES[dtype] for dtype, code in wire.CODES.items()}
    # A header that could not be read is answered in float32: its row is NaN.
    codes = [wire.CODES[answered.get(code, "float32")] for code in range(256)]
    codes = tf.gather(tf.constant(codes), asked)
    indices, parts = [], []
    for dtype in dict.fromkeys(wire.ANSWER_DTYPES.values()):
        index = tf.where(codes == wire.CODES[dtype])[:, 0]
        start = wire.MAGIC + bytes([wire.LAYOUT, wire.CODES[dtype]]) + struct.pack("<f", 1.0)
        body = _to_bytes(tf.gather(values, index), dtype)
        parts.append(tf.strings.join([tf.fill([tf.size(index)], start), tf.gather(tags, index), fingerprint, body]))
        indices.append(tf.cast(index, tf.int32))
    return tf.dynamic_stitch(indices, parts)


def _codes(fields: tf.Tensor, body_bytes: tf.Tensor, size: int) -> tf.Tensor:
    """The dtype code of each row, or `_UNREADABLE`."""
    codes = tf.cast(fields[:, 3], tf.int32)
    known = tf.reduce_all(fields[:, :3] == tf.constant([*wire.MAGIC, wire.LAYOUT], tf.uint8), axis=1)
    expected = [size * wire.ITEM_BYTES[dtype] for dtype in wire.CODES] + [_UNREADABLE]
    expected = tf.gather(tf.constant(expected), tf.minimum(codes, len(wire.CODES)))
    return tf.where(known & (body_bytes == expected), codes, _UNREADABLE)


def _values(body: tf.Tensor, dtype: str, size: int, scales: tf.Tensor) -> tf.Tensor:
    raw = {4: tf.float32, 2: tf.uint16, 1: tf.int8}[wire.ITEM_BYTES[dtype]]
    values = tf.io.decode_raw(body, raw, fixed_length=size * wire.ITEM_BYTES[dtype])
    # Fixed lengths cannot be decoded to float16, but to integers of the same size.
    values = tf.cast(tf.bitcast(values, dtype), tf.float32)
    return values * scales if dtype == "int8" else values


def _to_bytes(values: tf.Tensor, dtype: str) -> tf.Tensor:
    """Raw little-endian bytes of each row. TensorFlow has no such operation: bytes are looked up and joined."""
    table = tf.constant([bytes([byte]) for byte in range(256)])
    octets = tf.bitcast(tf.cast(values, dtype), tf.uint8)
    octets = tf.reshape(octets, (tf.shape(values)[0], values.shape[1] * wire.ITEM_BYTES[dtype]))
    return tf.strings.reduce_join(tf.gather(table, tf.cast(octets, tf.int32)), axis=1)
