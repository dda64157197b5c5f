"""The packed wire format: NumPy's side against the definition, and against TensorFlow's side."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.cloud import packed
from serving.protocol import wire

SHAPE, FINGERPRINT = (3, 2), b"\x01\x02\x03\x04\x05\x06\x07\x08"
# Half a unit in the last place, relative; for int8 half a step of 1/127 of the row's largest magnitude.
RELATIVE = {"float32": 0.0, "float16": 2.0**-11, "bfloat16": 2.0**-8}


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def echo(rows):
    values, headers = packed.decode(rows, SHAPE)
    return values, packed.encode(values, headers, FINGERPRINT)


def bound(rows, dtype):
    if dtype == "int8":
        return np.abs(rows).max(axis=(1, 2), keepdims=True) / 127 * 0.5001 + 1e-12
    return np.abs(rows) * RELATIVE[dtype] + 6e-8


finite = st.floats(-1000, 1000, width=32)


@given(
    st.lists(st.lists(finite, min_size=6, max_size=6), min_size=1, max_size=6), st.lists(st.sampled_from([*wire.CODES]))
)
@settings(max_examples=60)
def test_the_graph_reads_what_numpy_packs_in_one_batch_of_mixed_dtypes(values, dtypes):
    rows = np.array(values, np.float32).reshape(-1, *SHAPE)
    dtypes = (dtypes or ["float16"]) * len(rows)
    tags = [bytes([index]) * wire.TAG_BYTES for index in range(len(rows))]
    sent = [wire.pack(row[None], dtype, [tag])[0] for row, dtype, tag in zip(rows, dtypes, tags, strict=False)]
    read, answered = (value.numpy() for value in echo(tf.constant(sent)))
    for index, dtype in enumerate(dtypes[: len(rows)]):
        row = rows[index : index + 1]
        assert (np.abs(read[index] - row) <= bound(row, dtype)).all()
        answer = wire.unpack_answer(answered[index], SHAPE)
        assert answer.tag == tags[index] and answer.fingerprint == FINGERPRINT
        step = bound(read[index : index + 1], wire.ANSWER_DTYPES[dtype])
        assert (np.abs(answer.values - read[index]) <= step).all()


def test_float16_is_the_raw_values_behind_the_header():
    (row,) = wire.pack(np.array([[1.0, -2.5]], np.float32), "float16", [b"t" * 8])
    assert row == b"DM\x01\x01" + np.float32(1).tobytes() + b"tttttttt" + np.array([1.0, -2.5], "<f2").tobytes()


def _packed(values, dtype, stored):
    (row,) = wire.pack(np.asarray(values, np.float32)[None], dtype, [b"t" * 8])
    return np.frombuffer(row[wire.REQUEST_HEADER :], stored)


def test_float16_is_rounded_as_numpy_does():
    every = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
    every = every[np.isfinite(every)]
    random = np.random.default_rng(0).integers(0, 2**32, 2**18, dtype=np.uint32).view(np.float32)
    normal = random[(np.abs(random) >= 2.0**-14) & (np.abs(random) < 65520)]
    halves = (every[1:] / 2 + every[:-1] / 2)[np.abs(every[1:]) >= 2.0**-13]  # ties
    for values in (every, normal, halves):
        assert np.array_equal(_packed(values, "float16", "<u2"), values.astype(np.float16).view(np.uint16))
    small = random[np.abs(random) < 2.0**-14]
    assert np.abs(_packed(small, "float16", np.float16) - small).max() <= (1 + 2.0**-12) * 2.0**-25


def test_bfloat16_is_rounded_as_tensorflow_does():
    random = np.random.default_rng(0).integers(0, 2**32, 2**18, dtype=np.uint32).view(np.float32)
    values = random[np.isfinite(random) & (np.abs(random) < 3.38e38) & (np.abs(random) > 1e-37)]
    assert np.array_equal(_packed(values, "bfloat16", "<u2"), tf.cast(values, tf.bfloat16).numpy().view(np.uint16))


@pytest.mark.parametrize(("dtype", "first"), [("float16", 0x477FF000), ("bfloat16", 0x7F7F8000)])
def test_the_first_number_that_would_become_infinite_is_refused(dtype, first):
    refused, taken = (np.array([bits], np.uint32).view(np.float32) for bits in (first, first - 1))
    with pytest.raises(wire.WireError, match="does not fit"):
        wire.pack(refused[None], dtype, [b"t" * 8])
    (row,) = wire.pack(np.broadcast_to(taken, (1, *SHAPE)), dtype, [b"t" * 8])
    assert np.isfinite(echo(tf.constant([row]))[0].numpy()).all()


@pytest.mark.parametrize(
    "damage", [lambda row: row[:-1], lambda row: row + b"x", lambda row: b"", lambda row: b"XX" + row[2:]]
)
def test_a_row_that_cannot_be_read_becomes_nan_and_spoils_no_other(damage):
    rows = np.ones((2, *SHAPE), np.float32)
    good, other = wire.pack(rows, "float32", [b"a" * 8, b"b" * 8])
    values, answers = echo(tf.constant([good, damage(other)]))
    assert (values[0].numpy() == 1).all() and np.isnan(values[1].numpy()).all()
    assert wire.unpack_answer(answers[0].numpy(), SHAPE).tag == b"a" * 8


def test_int8_of_zeros():
    (row,) = wire.pack(np.zeros((1, *SHAPE), np.float32), "int8", [b"t" * 8])
    assert (echo(tf.constant([row]))[0].numpy() == 0).all()


@pytest.mark.parametrize(
    "dtype, value", [("float16", 1e5), ("float32", np.nan), ("bfloat16", 3.4e38), ("int8", np.inf)]
)
def test_values_that_do_not_fit_are_refused(dtype, value):
    with pytest.raises(wire.WireError):
        wire.pack(np.full((1, 2), value, np.float32), dtype, [b"t" * 8])


def test_an_unknown_dtype_is_refused():
    with pytest.raises(wire.WireError, match="float64"):
        wire.pack(np.ones((1, 2), np.float32), "float64", [b"t" * 8])


@pytest.mark.parametrize(
    "row, text",
    [
        (b"", "0 bytes"),
        (b"DM\x02\x00" + bytes(20), "layout 1"),
        (b"DM\x01\x09" + bytes(20), "dtype code"),
        (b"DM\x01\x00" + bytes(20), "expected 48 bytes"),
    ],
)
def test_answers_of_another_layout_are_refused(row, text):
    with pytest.raises(wire.WireError, match=text):
        wire.unpack_answer(row, SHAPE)
