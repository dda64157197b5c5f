"""TensorFlow Serving's gRPC PredictionService and ModelService, for its stock client stubs."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    predict_pb2,
)

from serving.cloud import rest, tensor_messages
from serving.cloud.grpc_reception import Reception
from serving.cloud.grpc_status import grpc_status
from serving.cloud.predictor import Predictor
from serving.cloud.servable import Servable, Signature
from serving.protocol.errors import TOO_MUCH_MEMORY, ServingError

_log = logging.getLogger(__name__)


def handlers(
    predictor: Predictor, reception: Reception, timeout: float, max_bytes: int, parsers: ThreadPoolExecutor
) -> list[grpc.GenericRpcHandler]:
    """What answers the calls of both services; methods that are not offered answer UNIMPLEMENTED.

    Args:
        predictor: Answers requests.
        reception: Lets calls in.
        timeout: Seconds for an answer, if the client names no deadline.
        max_bytes: Largest tensor of a request.
        parsers: Threads for reading and writing messages; their number bounds the memory that this takes.
    """
    api = _Api(predictor, reception, timeout, max_bytes, parsers)
    services = {
        "PredictionService": {
            "Predict": api.handler(predict_pb2.PredictRequest, api.predict),
            "GetModelMetadata": api.handler(get_model_metadata_pb2.GetModelMetadataRequest, api.metadata),
        },
        "ModelService": {
            "GetModelStatus": api.handler(get_model_status_pb2.GetModelStatusRequest, api.status),
            "HandleReloadConfigRequest": api.handler(model_management_pb2.ReloadConfigRequest, api.reload),
        },
    }
    return [
        grpc.method_handlers_generic_handler(f"tensorflow.serving.{name}", methods)
        for name, methods in services.items()
    ]


class _RefusedError(Exception):
    """A call that is not answered, with a status that no HTTP status stands for."""

    def __init__(self, status: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Api:
    def __init__(
        self, predictor: Predictor, reception: Reception, timeout: float, max_bytes: int, parsers: ThreadPoolExecutor
    ) -> None:
        self._predictor, self._reception, self._timeout = predictor, reception, timeout
        self._max_bytes, self._parsers = max_bytes, parsers

    def handler(self, request_type: Any, answer: Callable[[Any, Any], Awaitable[Any]]) -> grpc.RpcMethodHandler:
        """A handler that reads the one request itself: a unary one would be handed it before the token is seen."""

        async def handle(_: Any, context: grpc.aio.ServicerContext) -> Any:
            # An abort's traceback holds this frame in a cycle: the message must not be in it.
            response, refusal = await self._answered(request_type, answer, context)
            return response if refusal is None else await context.abort(*refusal)

        return grpc.stream_unary_rpc_method_handler(handle, None, lambda message: message.SerializeToString())

    async def _answered(
        self, request_type: Any, answer: Callable[[Any, Any], Awaitable[Any]], context: grpc.aio.ServicerContext
    ) -> tuple[Any, tuple[grpc.StatusCode, str] | None]:
        """The response, or the status and the text with which the call is refused."""
        try:
            async with self._reception.message(context) as raw:
                return await answer(await self._parsed(request_type, raw), context), None
        except ServingError as error:
            return None, (grpc_status(error), str(error))
        except _RefusedError as error:
            return None, (error.status, str(error))
        except MemoryError:
            return None, (grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_MUCH_MEMORY)
        except Exception:
            _log.exception("a request failed")
            return None, (grpc.StatusCode.INTERNAL, "internal error; the server's log says more")

    async def predict(
        self, request: predict_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> predict_pb2.PredictResponse:
        started, status = time.monotonic(), "OK"
        try:
            return await self._predict(request, context)
        except ServingError as error:
            status = grpc_status(error).name
            raise
        except asyncio.CancelledError:
            status = "CANCELLED"
            raise
        except Exception:
            status = "INTERNAL"
            raise
        finally:
            self._predictor.count(request.model_spec.name, "GRPC", status, started)

    async def metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.aio.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        if list(request.metadata_field) != ["signature_def"]:
            raise ServingError(400, "metadata_field must be signature_def")
        return rest.metadata_response(self._servable(request.model_spec))

    async def status(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.aio.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        return rest.status_response(self._predictor.repository.status(*_target(request.model_spec)))

    async def reload(
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.aio.ServicerContext
    ) -> None:
        """Refused: any client could have any folder served."""
        text = "change the file of --model_config_file instead; it is watched"
        raise _RefusedError(grpc.StatusCode.PERMISSION_DENIED, text)

    async def _parsed(self, request_type: Any, raw: bytes) -> Any:
        try:
            return await self._in_a_thread(request_type.FromString, raw)
        except (DecodeError, RecursionError):
            raise ServingError(400, f"the message is not a {request_type.DESCRIPTOR.name}") from None

    def _in_a_thread(self, work: Callable[..., Any], *arguments: Any) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(self._parsers, work, *arguments)

    async def _predict(
        self, request: predict_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> predict_pb2.PredictResponse:
        servable = self._servable(request.model_spec)
        signature = servable.signature(request.model_spec.signature_name)
        signature.check_names(request.inputs)
        arrays = await self._in_a_thread(self._arrays, request, signature)
        remaining = context.time_remaining()
        timeout = self._timeout if remaining is None else min(remaining, self._timeout)
        outputs = await self._predictor.predict(servable, signature, arrays, timeout)
        unknown = set(request.output_filter) - set(outputs)
        if unknown:
            raise ServingError(400, f"output tensor alias not found in signature: {sorted(unknown)[0]}")
        outputs = {name: outputs[name] for name in request.output_filter or outputs}
        return await self._in_a_thread(_predict_response, servable, signature, outputs)

    def _arrays(self, request: predict_pb2.PredictRequest, signature: Signature) -> dict[str, np.ndarray]:
        return {name: self._array(name, request.inputs[name], spec.dtype) for name, spec in signature.inputs.items()}

    def _array(self, name: str, tensor: Any, dtype: tf.DType) -> np.ndarray:
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

    def _servable(self, spec: Any) -> Servable:
        return self._predictor.repository.get(*_target(spec))


def _predict_response(
    servable: Servable, signature: Signature, outputs: dict[str, np.ndarray]
) -> predict_pb2.PredictResponse:
    response = predict_pb2.PredictResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    response.model_spec.signature_name = signature.name
    for name, value in outputs.items():
        tensor_messages.fill(response.outputs[name], value, signature.outputs[name].dtype)
    return response


def _target(spec: Any) -> tuple[str, int | None, str | None]:
    choice = spec.WhichOneof("version_choice")
    version = spec.version.value if choice == "version" else None
    return spec.name, version, spec.version_label if choice == "version_label" else None
