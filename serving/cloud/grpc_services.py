"""gRPC's own services beside TensorFlow Serving's: health, for probes, and reflection, for tools such as grpcurl.

Messages are grpcio-health-checking's and grpcio-reflection's. Their servicers would read a message before anybody looks
at the token and at what is being read; these handlers let calls in through `Reception`, as all others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

# What reflection describes; it finds it in protobuf's pool.
from tensorflow_serving.apis import model_service_pb2, prediction_service_pb2

from serving.cloud.grpc_reception import EndOfCallError, Reception
from serving.cloud.grpc_status import grpc_status
from serving.protocol.errors import ServingError

SERVED = tuple(
    f"tensorflow.serving.{name}"
    for module in (prediction_service_pb2, model_service_pb2)
    for name in module.DESCRIPTOR.services_by_name
)
_SHORT = tuple(name.rpartition(".")[2] for name in SERVED)  # as TensorFlow Serving's health service calls them
_GLANCE = 0.5  # seconds between looks for another status
_log = logging.getLogger(__name__)


def handlers(reception: Reception, is_ready: Callable[[], bool]) -> list[grpc.GenericRpcHandler]:
    """What answers health checks and reflection; without their packages nothing, and a line that says so.

    Args:
        reception: Lets calls in. `Check` needs no token, as `/healthz` needs none; without one it tells of the whole
            server, whatever service is asked about.
        is_ready: Tells whether the server can answer.
    """
    try:
        from grpc_health.v1 import health_pb2
        from grpc_reflection.v1alpha import reflection, reflection_pb2
    except ModuleNotFoundError as error:
        _log.warning("gRPC health and reflection are off: %s; pip install 'datamix-tf[cloud]'", error)
        return []
    health = _Health(reception, is_ready, health_pb2)
    health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    describe = reflection.ReflectionServicer([*SERVED, health_name, reflection.SERVICE_NAME])
    reflect = _Reflection(reception, describe, reflection_pb2.ServerReflectionRequest)
    return [
        grpc.method_handlers_generic_handler(
            health_name, {"Check": _stream_handler(health.check), "Watch": _stream_handler(health.watch)}
        ),
        grpc.method_handlers_generic_handler(
            reflection.SERVICE_NAME, {"ServerReflectionInfo": _stream_handler(reflect.answers)}
        ),
    ]


def _stream_handler(answers: Callable[[grpc.aio.ServicerContext], AsyncIterator[Any]]) -> grpc.RpcMethodHandler:
    """A handler that reads its requests itself and may answer several times."""

    async def handle(_: Any, context: grpc.aio.ServicerContext) -> Any:
        try:
            async for answer in answers(context):
                await context.write(answer)
        except ServingError as error:
            await context.abort(grpc_status(error), str(error))
        except DecodeError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message cannot be read")

    return grpc.stream_stream_rpc_method_handler(handle, None, lambda message: message.SerializeToString())


class _Health:
    def __init__(self, reception: Reception, is_ready: Callable[[], bool], messages: Any) -> None:
        self._reception, self._is_ready, self._messages = reception, is_ready, messages

    async def check(self, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        if not self._reception.admits(context):  # nor is what it asks read: all services are ready, or none
            yield self._response("")
            return
        service = await self._service(context)
        if service not in ("", *SERVED, *_SHORT):
            raise ServingError(404, f"unknown service: {service}")
        yield self._response(service)

    async def watch(self, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        service = await self._service(context)
        told = None
        while True:
            response = self._response(service)
            if response != told:
                yield response
            told = response
            await asyncio.sleep(_GLANCE)

    async def _service(self, context: grpc.aio.ServicerContext) -> str:
        async with self._reception.message(context) as raw:
            return self._messages.HealthCheckRequest.FromString(raw).service

    def _response(self, service: str) -> Any:
        kinds = self._messages.HealthCheckResponse
        if service not in ("", *SERVED, *_SHORT):
            return kinds(status=kinds.SERVICE_UNKNOWN)
        return kinds(status=kinds.SERVING if self._is_ready() else kinds.NOT_SERVING)


class _Reflection:
    def __init__(self, reception: Reception, servicer: Any, request_type: Any) -> None:
        self._reception, self._servicer, self._request_type = reception, servicer, request_type

    async def answers(self, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        while True:
            try:
                async with self._reception.message(context) as raw:
                    request = self._request_type.FromString(raw)
            except EndOfCallError:
                return
            for answer in self._servicer.ServerReflectionInfo(iter([request]), context):
                yield answer
