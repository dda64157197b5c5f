"""Arrays in the typed fields of TensorProto, read back by TensorFlow and by hand."""

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tensorflow.core.framework import tensor_pb2

from serving.cloud.tensor_messages import fill

DTYPES = {
    "float32": "float_val",
    "float64": "double_val",
    "int32": "int_val",
    "int16": "int_val",
    "int8": "int_val",
    "uint16": "int_val",
    "uint8": "int_val",
    "int64": "int64_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    "bool": "bool_val",
    "float16": "half_val",
    "complex64": "scomplex_val",
    "complex128": "dcomplex_val",
}


def filled(value, dtype):
    message = tensor_pb2.TensorProto()
    fill(message, value, tf.as_dtype(dtype))
    assert not message.tensor_content
    return message


@pytest.mark.parametrize(("dtype", "field"), DTYPES.items())
@given(data=st.data())
def test_every_dtype_comes_back_from_its_field(dtype, field, data):
    value = data.draw(arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)))
    message = filled(value, dtype)
    assert len(getattr(message, field)) == value.size * (2 if "complex" in dtype else 1)
    read = tf.make_ndarray(message)
    assert read.dtype == value.dtype and read.shape == value.shape
    np.testing.assert_array_equal(read, value)


def test_bfloat16_and_strings():
    value = np.array([[1.5, -2.0]], ml_dtypes.bfloat16)
    np.testing.assert_array_equal(tf.make_ndarray(filled(value, "bfloat16")), value)
    words = np.array([[b"a", b"\xff"], [b"", b"ccc"]], object)
    message = filled(words, "string")
    assert list(message.string_val) == [b"a", b"\xff", b"", b"ccc"]
    assert tf.make_ndarray(message).tolist() == words.tolist()


def test_a_client_that_reads_float_val_gets_numbers():
    assert list(filled(np.array([[0.25, 4.0]], np.float32), "float32").float_val) == [0.25, 4.0]
