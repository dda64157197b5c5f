"""M_main as a SavedModel with TensorFlow Serving's signatures and warm-up requests."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from serving.protocol import wire

SERVING_DEFAULT, PACKED = "serving_default", "packed"
INPUT, OUTPUT = "features", "answers"
# TensorFlow Serving writes strings of outputs with this suffix as base64.
PACKED_OUTPUT = OUTPUT + "_bytes"
WARMUP_FILE = os.path.join("assets.extra", "tf_serving_warmup_requests")


def export_main(main: Any, folder: str) -> str:
    """Writes M_main to `folder` as a SavedModel with two signatures and a free batch size.

    - `serving_default`: `features`, float32 `[batch, ...]` -> `answers`, float32 `[batch, ...]`;
    - `packed`: `features`, string `[batch]` -> `answers_bytes`, string `[batch]`, laid out as in
      `serving.protocol.wire`.

    The cloud needs no group size: it sees rows.

    Args:
        main: The Keras model.
        folder: Where to write; must not exist or be empty.

    Returns:
        The model's fingerprint, 16 hexadecimal digits; every packed answer carries it.
    """
    import tensorflow as tf
    from keras.export import ExportArchive

    from serving.cloud import packed

    shape, fingerprint = main.input_shape[1:], fingerprint_of(main)

    # Keyword arguments become the input names of the signatures, so the parameters must be called INPUT.
    def serve(features: Any) -> dict[str, Any]:
        return {OUTPUT: main(features, training=False)}

    def serve_packed(features: Any) -> dict[str, Any]:
        values, headers = packed.decode(features, shape)
        answers = main(values, training=False)
        return {PACKED_OUTPUT: packed.encode(answers, headers, bytes.fromhex(fingerprint))}

    archive = ExportArchive()
    signature = tf.TensorSpec((None, *shape), tf.float32, name=INPUT)
    archive.add_endpoint(SERVING_DEFAULT, serve, input_signature=[signature])
    archive.add_endpoint(PACKED, serve_packed, input_signature=[tf.TensorSpec((None,), tf.string, name=INPUT)])
    archive.write_out(folder, verbose=False)
    _write_warm_up(folder, shape)
    return fingerprint


def fingerprint_of(model: Any) -> str:
    """The first 16 hexadecimal digits of the SHA-256 over the shapes and values of a Keras model's weights."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(repr((weight.shape, str(weight.dtype))).encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[: 2 * wire.FINGERPRINT_BYTES]


def _write_warm_up(folder: str, shape: Sequence[int]) -> None:
    """Requests that servers send themselves when they load the model, so that the first user need not wait."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    rows = np.zeros((1, *shape), np.float32)
    inputs = [(SERVING_DEFAULT, rows)]
    inputs += [(PACKED, np.array(wire.pack(rows, dtype, [bytes(wire.TAG_BYTES)]), object)) for dtype in wire.CODES]
    path = os.path.join(folder, WARMUP_FILE)
    os.makedirs(os.path.dirname(path))
    with tf.io.TFRecordWriter(path) as writer:
        for name, values in inputs:
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = name
            # Strings as Python objects: NumPy's own strip trailing zero bytes.
            request.inputs[INPUT].CopyFrom(tf.make_tensor_proto(values))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
