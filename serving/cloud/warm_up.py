"""The requests that a version brings to warm it up: run once when it is loaded, so that the first user need not wait.

Reference: tensorflow_serving/servables/tensorflow/saved_model_warmup_util.cc and saved_model_warmup.cc.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from serving.cloud import inference
from serving.cloud.saved_model import WARMUP_FILE
from serving.protocol.errors import ServingError

if TYPE_CHECKING:
    from serving.cloud.servable import Servable, Signature

_MOST = 1000  # records, there and here
_METHODS = {"classify_log": inference.CLASSIFY, "regress_log": inference.REGRESS}


def run(servable: Servable, folder: str) -> None:
    """Runs the warm-up requests in a version's folder, if there are any.

    Args:
        servable: The version.
        folder: Its folder.

    Raises:
        ServingError: If there are too many, one cannot be read, is of an unknown kind, or is refused: such a version is
            not served.
    """
    path = os.path.join(folder, WARMUP_FILE)
    if not os.path.exists(path):
        return
    for count, record in enumerate(_records(path), 1):
        if count > _MOST:
            raise ServingError(400, f"Number of warmup records exceeds the maximum ({_MOST}) at {path}")
        for signature, arrays in _requests(servable, _parsed(record, path)):
            signature.check_names(arrays)
            servable.predict(signature, arrays)


def _records(path: str) -> Iterator[bytes]:
    try:
        for record in tf.data.TFRecordDataset(path):
            yield record.numpy()
    except tf.errors.DataLossError as error:
        text = f"{error.message}. Please verify your warmup data is in TFRecord format: {path}"
        raise ServingError(400, text) from error


def _parsed(record: bytes, path: str) -> Any:
    from tensorflow_serving.apis import prediction_log_pb2

    try:
        return prediction_log_pb2.PredictionLog.FromString(record)
    except DecodeError as error:
        raise ServingError(400, f"Failed to parse warmup record: {record[:100]!r} from {path}") from error


def _requests(servable: Servable, log: Any) -> Iterator[tuple[Signature, dict[str, np.ndarray]]]:
    """What a record asks: signatures and their arrays."""
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        request = log.predict_log.request
        arrays = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        yield servable.signature(request.model_spec.signature_name), arrays
    elif kind in _METHODS:
        request = getattr(log, kind).request
        name = request.model_spec.signature_name
        signature = inference.signature_for(servable, name, _METHODS[kind], check_method=False)
        yield signature, {inference.INPUTS: inference.serialized(request.input, sys.maxsize)}
    elif kind == "multi_inference_log":
        request = log.multi_inference_log.request
        for signature in inference.signatures_of(servable, request, check_method=False):
            yield signature, {inference.INPUTS: inference.serialized(request.input, sys.maxsize)}
    else:
        raise ServingError(501, f"Unsupported log_type for warmup: {kind}")
