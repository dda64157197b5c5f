"""TensorFlow Serving's gRPC PredictionService and ModelService, for its stock client stubs."""

from __future__ import annotations

import hmac
import logging
import math
import time

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.cloud import rest
from serving.cloud.errors import ServingError
from serving.cloud.predictor import Predictor

_log = logging.getLogger(__name__)


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the other methods answer UNIMPLEMENTED.

    Args:
        predictor: Answers requests.
        timeout: Seconds for an answer, if the client names no deadline.
        max_bytes: Largest tensor of a request.
    """

    def __init__(self, predictor: Predictor, timeout: float, max_bytes: int):
        self._predictor, self._timeout, self._max_bytes = predictor, timeout, max_bytes

    def Predict(self, request, context):
        started, status = time.monotonic(), "OK"
        try:
            return self._predict(request, context)
        except ServingError as error:
            status = error.grpc_status.name
            context.abort(error.grpc_status, str(error))
        except Exception:
            status = "INTERNAL"
            _log.exception("a request failed")
            context.abort(grpc.StatusCode.INTERNAL, "internal error; the server's log says more")
        finally:
            self._predictor.count(request.model_spec.name, "GRPC", status, started)

    def GetModelMetadata(self, request, context):
        if list(request.metadata_field) != ["signature_def"]:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "metadata_field must be signature_def")
        try:
            return rest.metadata_response(_servable(self._predictor, request.model_spec))
        except ServingError as error:
            context.abort(error.grpc_status, str(error))

    def _predict(self, request, context):
        servable = _servable(self._predictor, request.model_spec)
        signature = servable.signature(request.model_spec.signature_name)
        signature.check_names(request.inputs)
        arrays = {name: self._array(name, request.inputs[name], spec.dtype) for name, spec in signature.inputs.items()}
        remaining = context.time_remaining()
        timeout = self._timeout if remaining is None else min(remaining, self._timeout)
        outputs = self._predictor.predict(servable, signature, arrays, timeout)
        unknown = set(request.output_filter) - set(outputs)
        if unknown:
            raise ServingError(400, f"output tensor alias not found in signature: {sorted(unknown)[0]}")
        response = predict_pb2.PredictResponse()
        response.model_spec.name = servable.name
        response.model_spec.version.value = servable.version
        response.model_spec.signature_name = signature.name
        for name in request.output_filter or outputs:
            response.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name], signature.outputs[name].dtype))
        return response

    def _array(self, name, tensor, dtype):
        """The array of a tensor message. Its size comes first: a small message may stand for a huge tensor."""
        try:
            if tf.as_dtype(tensor.dtype) != dtype:
                raise ServingError(400, f"input {name!r} must be {dtype.name}")
            sizes = [dim.size for dim in tensor.tensor_shape.dim]
            count = math.prod(sizes)
            # Strings must all be there: TensorFlow would repeat the last one.
            possible = count == len(tensor.string_val) if dtype == tf.string else count * dtype.size <= self._max_bytes
            if min(sizes, default=0) < 0 or not possible:
                raise ServingError(400, f"input {name!r} has the shape {sizes}, which is not possible or too large")
            return tf.make_ndarray(tensor)
        except (TypeError, ValueError, KeyError) as error:
            raise ServingError(400, f"input {name!r} is not a tensor: {error}") from None


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus. Reloading by request is refused: any client could have any folder served."""

    def __init__(self, predictor: Predictor):
        self._predictor = predictor

    def GetModelStatus(self, request, context):
        try:
            name, version, label = _target(request.model_spec)
            return rest.status_response(self._predictor.repository.status(name, version, label))
        except ServingError as error:
            context.abort(error.grpc_status, str(error))

    def HandleReloadConfigRequest(self, request, context):
        context.abort(
            grpc.StatusCode.PERMISSION_DENIED, "change the file of --model_config_file instead; it is watched"
        )


class RequireToken(grpc.ServerInterceptor):
    """Refuses calls without the bearer token in their metadata (`authorization: Bearer TOKEN`).

    Args:
        token: The token.
    """

    def __init__(self, token: str):
        self._expected = f"Bearer {token}".encode()

        def refuse(request, context):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "a valid bearer token is needed")

        self._refuse = grpc.unary_unary_rpc_method_handler(refuse)

    def intercept_service(self, continuation, handler_call_details):
        given = dict(handler_call_details.invocation_metadata).get("authorization", "")
        given = given.encode() if isinstance(given, str) else given
        return continuation(handler_call_details) if hmac.compare_digest(given, self._expected) else self._refuse


def _servable(predictor, spec):
    return predictor.repository.get(*_target(spec))


def _target(spec):
    choice = spec.WhichOneof("version_choice")
    version = spec.version.value if choice == "version" else None
    return spec.name, version, spec.version_label if choice == "version_label" else None
