"""Arrays as `TensorProto` messages with their typed fields filled."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

#: dtype -> the field that holds its values (tensorflow/core/framework/tensor.proto).
_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int32: "int_val",
    tf.int16: "int_val",
    tf.int8: "int_val",
    tf.uint16: "int_val",
    tf.uint8: "int_val",
    tf.int64: "int64_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
    tf.float16: "half_val",
    tf.bfloat16: "half_val",
    tf.complex64: "scomplex_val",
    tf.complex128: "dcomplex_val",
}


def fill(message: tensor_pb2.TensorProto, value: np.ndarray, dtype: tf.DType, as_content: bool = False) -> None:
    """Writes an array into an empty message.

    TensorFlow Serving fills the typed fields by default (`float_val`, ...), and its own example clients read those;
    `tf.make_tensor_proto` would fill `tensor_content` alone.

    Args:
        message: An empty `TensorProto`.
        value: The array, of any shape.
        dtype: Its dtype; those of quantized and variant tensors are left to `tf.make_tensor_proto`.
        as_content: Whether to fill `tensor_content` all the same, which takes fewer bytes.
    """
    if as_content or dtype not in _FIELDS:
        message.CopyFrom(tf.make_tensor_proto(value, dtype))
        return
    value = np.asarray(value, dtype.as_numpy_dtype)
    message.dtype = dtype.as_datatype_enum
    message.tensor_shape.SetInParent()  # a scalar's shape is there, too, and empty
    for size in value.shape:
        message.tensor_shape.dim.add(size=size)
    field = _FIELDS[dtype]
    if field == "half_val":
        value = value.view(np.uint16)
    elif dtype.is_complex:
        value = np.ascontiguousarray(value).reshape(-1).view(dtype.real_dtype.as_numpy_dtype)
    values = value.reshape(-1).tolist()
    if field == "string_val":
        values = [text if isinstance(text, bytes) else str(text).encode() for text in values]
    getattr(message, field).extend(values)
