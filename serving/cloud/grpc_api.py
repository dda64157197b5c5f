"""TensorFlow Serving's gRPC PredictionService and ModelService, for its stock client stubs."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.cloud import array_memory, inference, json_tensors, rest, tensor_messages
from serving.cloud.grpc_reception import Reception
from serving.cloud.grpc_status import grpc_status
from serving.cloud.predictor import Predictor
from serving.cloud.saved_model import SERVING_DEFAULT
from serving.cloud.servable import Servable, Signature
from serving.protocol.errors import TOO_MUCH_MEMORY, ServingError

_log = logging.getLogger(__name__)


class _Call:
    """A call under way.

    While its message is open (parsed, but not yet what the model takes) it has one of few places: a message may take
    many times its bytes.

    Attributes:
        context: gRPC's.
        size: Bytes of the message.
        request: The message; what was made arrays is no longer in it.
    """

    request: Any = None

    def __init__(self, context: grpc.aio.ServicerContext, size: int, places: asyncio.Semaphore) -> None:
        self.context, self.size, self._places, self._inside = context, size, places, False

    async def __aenter__(self) -> _Call:
        await self._places.acquire()
        self._inside = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def drop(self, name: str) -> None:
        """Lets a field go; a copy without it, since a message keeps its memory as long as it lives."""
        self.request.ClearField(name)
        self.request = type(self.request).FromString(self.request.SerializeToString())

    def leave(self) -> None:
        """Gives the place to another."""
        if self._inside:
            self._places.release()
        self._inside = False


_Answer = Callable[[_Call], Awaitable[Any]]


@dataclasses.dataclass(frozen=True)
class GrpcOptions:
    """How to answer.

    Attributes:
        timeout: Seconds for an answer, if the client names no deadline.
        max_bytes: Largest tensor of a request.
        check_methods: Whether signatures are asked for their method's name.
        as_content: Whether answers are in `tensor_content` instead of the typed fields.
    """

    timeout: float
    max_bytes: int
    check_methods: bool = False
    as_content: bool = False


def handlers(
    predictor: Predictor, reception: Reception, options: GrpcOptions, parsers: ThreadPoolExecutor
) -> list[grpc.GenericRpcHandler]:
    """What answers the calls of both services; methods that are not offered answer UNIMPLEMENTED.

    Args:
        predictor: Answers requests.
        reception: Lets calls in.
        options: `GrpcOptions`.
        parsers: Threads for reading and writing messages; their number bounds the memory that this takes.
    """
    api = _Api(predictor, reception, options, parsers)
    services = {
        "PredictionService": {
            "Predict": api.counted(predict_pb2.PredictRequest, "Predict", api.predict),
            "Classify": api.counted(classification_pb2.ClassificationRequest, "Classify", api.classify),
            "Regress": api.counted(regression_pb2.RegressionRequest, "Regress", api.regress),
            "MultiInference": api.handler(inference_pb2.MultiInferenceRequest, api.infer_all),
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


class _Api:
    def __init__(
        self, predictor: Predictor, reception: Reception, options: GrpcOptions, parsers: ThreadPoolExecutor
    ) -> None:
        self._predictor, self._reception, self._options = predictor, reception, options
        self._parsers, self._places = parsers, asyncio.Semaphore(os.cpu_count() or 1)

    def handler(self, request_type: Any, answer: _Answer) -> grpc.RpcMethodHandler:
        """A handler that reads the one request itself: a unary one would be handed it before the token is seen."""

        async def handle(_: Any, context: grpc.aio.ServicerContext) -> Any:
            # An abort's traceback holds this frame in a cycle: the message must not be in it.
            response, refusal = await self._answered(request_type, answer, context)
            return response if refusal is None else await context.abort(*refusal)

        return grpc.stream_unary_rpc_method_handler(handle, None, lambda message: message.SerializeToString())

    async def _answered(
        self, request_type: Any, answer: _Answer, context: grpc.aio.ServicerContext
    ) -> tuple[Any, tuple[grpc.StatusCode, str] | None]:
        """The response, or the status and the text with which the call is refused."""
        try:
            async with self._reception.message(context) as raw, _Call(context, len(raw), self._places) as call:
                call.request = await self._parsed(request_type, raw)
                return await answer(call), None
        except ServingError as error:
            return None, (grpc_status(error), str(error))
        except MemoryError:
            return None, (grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_MUCH_MEMORY)
        except Exception:
            _log.exception("a request failed")
            return None, (grpc.StatusCode.INTERNAL, "internal error; the server's log says more")

    def counted(self, request_type: Any, method: str, answer: _Answer) -> grpc.RpcMethodHandler:
        """A handler whose calls are counted under the name of their model."""

        async def count(call: _Call) -> Any:
            started, status = time.monotonic(), "OK"
            try:
                return await answer(call)
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
                self._predictor.count(call.request.model_spec.name, method, "GRPC", status, started)

        return self.handler(request_type, count)

    async def predict(self, call: _Call) -> predict_pb2.PredictResponse:
        servable = self._servable(call.request)
        signature = _predict_signature(servable, call.request.model_spec.signature_name)
        if self._options.check_methods:
            inference.check_predict_method(servable, signature)
        signature.check_names(call.request.inputs)
        _check_filter(call.request.output_filter, signature)
        arrays = await self._in_a_thread(self._arrays, call, signature)
        call.leave()
        with array_memory.counted(self._reception.in_flight, arrays.values(), call.size):
            outputs = await self._predictor.predict(servable, signature, arrays, self._left(call.context))
        outputs = {name: outputs[name] for name in call.request.output_filter or outputs}
        return await self._in_a_thread(self._predict_response, servable, signature, outputs)

    async def classify(self, call: _Call) -> classification_pb2.ClassificationResponse:
        return await self._infer(call, inference.CLASSIFY, classification_pb2.ClassificationResponse())

    async def regress(self, call: _Call) -> regression_pb2.RegressionResponse:
        return await self._infer(call, inference.REGRESS, regression_pb2.RegressionResponse())

    async def infer_all(self, call: _Call) -> inference_pb2.MultiInferenceResponse:
        if not call.request.tasks:
            raise ServingError(400, "ModelSpec has no name specified.")
        servable = self._servable(call.request.tasks[0])
        check, left = self._options.check_methods, self._left(call.context)
        examples = await self._examples(call)
        with array_memory.counted(self._reception.in_flight, [examples], call.size):
            return await inference.infer_all(self._predictor, servable, call.request, check, left, examples)

    async def metadata(self, call: _Call) -> get_model_metadata_pb2.GetModelMetadataResponse:
        target = _target(call.request)
        if not call.request.metadata_field:
            raise ServingError(400, "GetModelMetadataRequest must specify at least one metadata_field")
        for field in call.request.metadata_field:
            if field != "signature_def":
                raise ServingError(400, f"Metadata field {field} is not supported; only signature_def is")
        return rest.metadata_response(self._predictor.repository.get(*target))

    async def status(self, call: _Call) -> get_model_status_pb2.GetModelStatusResponse:
        return rest.status_response(self._predictor.repository.status(*_target(call.request)))

    async def reload(self, call: _Call) -> None:
        """Refused: any client could have any folder served."""
        text = "change the file of --model_config_file instead; it is watched"
        raise ServingError(403, text)

    async def _parsed(self, request_type: Any, raw: bytes) -> Any:
        try:
            return await self._in_a_thread(request_type.FromString, raw)
        except (DecodeError, RecursionError):
            raise ServingError(400, f"the message is not a {request_type.DESCRIPTOR.name}") from None

    def _in_a_thread(self, work: Callable[..., Any], *arguments: Any) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(self._parsers, work, *arguments)

    def _left(self, context: grpc.aio.ServicerContext) -> float:
        """Seconds that there are for an answer."""
        remaining = context.time_remaining()
        return self._options.timeout if remaining is None else min(remaining, self._options.timeout)

    async def _examples(self, call: _Call) -> np.ndarray:
        def take() -> np.ndarray:
            examples = inference.serialized(call.request.input, self._options.max_bytes)
            call.drop("input")
            return examples

        examples = await self._in_a_thread(take)
        call.leave()
        return examples

    async def _infer(self, call: _Call, method: str, response: Any) -> Any:
        servable, name = self._servable(call.request), call.request.model_spec.signature_name
        signature = inference.signature_for(servable, name, method, self._options.check_methods)
        examples, left = await self._examples(call), self._left(call.context)
        with array_memory.counted(self._reception.in_flight, [examples], call.size):
            result = await inference.infer(self._predictor, servable, signature, method, examples, left)
        inference.describe(response.model_spec, servable, name)
        response.result.CopyFrom(result)
        return response

    def _predict_response(
        self, servable: Servable, signature: Signature, outputs: dict[str, np.ndarray]
    ) -> predict_pb2.PredictResponse:
        response = predict_pb2.PredictResponse()
        inference.describe(response.model_spec, servable, signature.name)
        for name, value in outputs.items():
            dtype = signature.outputs[name].dtype
            tensor_messages.fill(response.outputs[name], value, dtype, self._options.as_content)
        return response

    def _arrays(self, call: _Call, signature: Signature) -> dict[str, np.ndarray]:
        """The inputs, which are then no longer in the request."""
        inputs = call.request.inputs
        arrays = {name: self._array(name, inputs[name], spec.dtype) for name, spec in signature.inputs.items()}
        del inputs
        call.drop("inputs")
        return arrays

    def _array(self, name: str, tensor: Any, dtype: tf.DType) -> np.ndarray:
        """The array of a tensor message. Its size comes first: a small message may stand for a huge tensor."""
        try:
            given = tf.as_dtype(tensor.dtype)
            if given != dtype:
                wanted, came = (json_tensors.dtype_name(kind.as_numpy_dtype) for kind in (dtype, given))
                raise ServingError(400, f"input {name!r}: expects it to be {wanted} but {came} is provided")
            sizes = [dim.size for dim in tensor.tensor_shape.dim]
            count = math.prod(sizes)
            # Strings must all be there: TensorFlow would repeat the last one.
            possible = (
                count == len(tensor.string_val) if dtype == tf.string else count * dtype.size <= self._options.max_bytes
            )
            if min(sizes, default=0) < 0 or not possible:
                raise ServingError(400, f"input {name!r} has the shape {sizes}, which is not possible or too large")
            return tf.make_ndarray(tensor)
        except (TypeError, ValueError, KeyError) as error:
            raise ServingError(400, f"input {name!r} is not a tensor: {error}") from None

    def _servable(self, request: Any) -> Servable:
        return self._predictor.repository.get(*_target(request))


def _predict_signature(servable: Servable, name: str) -> Signature:
    name = name or SERVING_DEFAULT
    if name not in servable.signatures:
        raise ServingError(400, f'Serving signature key "{name}" not found.', "FAILED_PRECONDITION")
    return servable.signatures[name]


def _check_filter(names: Sequence[str], signature: Signature) -> None:
    for index, name in enumerate(names):
        if name not in signature.outputs:
            known = ",".join(sorted(signature.outputs))
            raise ServingError(
                400,
                f"output tensor alias not found in signature: {name} Outputs expected to be in the set {{{known}}}.",
            )
        if name in names[:index]:
            raise ServingError(400, f"duplicate output tensor alias: {name}")


def _target(request: Any) -> tuple[str, int | None, str | None]:
    """Name, version and label of the model that a request, or a task of one, names."""
    if not request.HasField("model_spec"):
        raise ServingError(400, "Missing ModelSpec")
    spec = request.model_spec
    choice = spec.WhichOneof("version_choice")
    version = spec.version.value if choice == "version" else None
    return spec.name, version, spec.version_label if choice == "version_label" else None
