"""TensorFlow Serving's REST API as an ASGI application."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from google.protobuf import any_pb2, json_format
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from serving.cloud import json_tensors, metrics
from serving.cloud.grpc_status import grpc_status
from serving.cloud.predictor import Predictor
from serving.cloud.repository import VersionStatus
from serving.cloud.servable import Servable, Signature
from serving.protocol.bodies import BodyReader, InFlight, Limits
from serving.protocol.errors import TOO_MUCH_MEMORY, ServingError
from serving.protocol.json_cost import check_cost

JSON = "application/json"
MONITORING_PATH = "/monitoring/prometheus/metrics"
_MODEL = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_CALL = re.compile(_MODEL + r":(?P<method>predict|classify|regress)", re.IGNORECASE)
_METADATA = re.compile(_MODEL + "/metadata", re.IGNORECASE)
_STATUS = re.compile(_MODEL, re.IGNORECASE)
_MAX_VERSION = 2**63 - 1
_log = logging.getLogger(__name__)
_Handler = Callable[[Request], Awaitable[Response]]


def make_app(
    predictor: Predictor,
    limits: Limits,
    timeout: float,
    token: str | None,
    is_ready: Callable[[], bool],
    parsers: ThreadPoolExecutor,
    in_flight: InFlight,
) -> Starlette:
    """The application.

    Args:
        predictor: Answers requests.
        limits: What clients may cost.
        timeout: Seconds for an answer.
        token: Bearer token that requests must carry, or None.
        is_ready: Tells whether the server can answer; False while it loads and while it stops.
        parsers: Threads for reading and writing JSON; their number bounds the memory that this takes.
        in_flight: Where the bytes of requests are counted.
    """
    api = _Api(predictor, limits, in_flight, timeout, parsers)

    def protected(handler: _Handler) -> _Handler:
        async def handle(request: Request) -> Response:
            try:
                _authorize(request, token)
                return await handler(request)
            except ServingError as error:
                return _error(error)
            except MemoryError:
                return _error(ServingError(413, TOO_MUCH_MEMORY))
            except Exception:
                _log.exception("a request failed")
                return _error(ServingError(500, "internal error; the server's log says more"))

        return handle

    async def live(request: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    async def ready(request: Request) -> Response:
        return Response("ok\n" if is_ready() else "not ready\n", 200 if is_ready() else 503, media_type="text/plain")

    async def monitoring(request: Request) -> Response:
        return Response(predictor.metrics.text(), headers={"content-type": metrics.CONTENT_TYPE})

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]
    return Starlette(
        routes=[
            Route("/healthz/live", live),
            Route("/healthz/ready", ready),
            Route(MONITORING_PATH, protected(monitoring)),
            Route("/{path:path}", protected(api.handle), methods=methods),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=1024, compresslevel=1)],
    )


class _Api:
    def __init__(
        self, predictor: Predictor, limits: Limits, in_flight: InFlight, timeout: float, parsers: ThreadPoolExecutor
    ) -> None:
        self._predictor, self._timeout = predictor, timeout
        self._bodies, self._max_body_bytes = BodyReader(limits, in_flight), limits.max_body_bytes
        self._parsers = parsers

    async def handle(self, request: Request) -> Response:
        path, method = request.url.path, request.method
        if not path.lower().startswith("/v1/"):
            raise ServingError(404, f"Not found: {path}")
        if method == "POST" and (match := _CALL.fullmatch(path)):
            return await self._call(request, match)
        if method == "GET" and (match := _METADATA.fullmatch(path)):
            return _proto(self._metadata(*_target(match)))
        if method == "GET" and (match := _STATUS.fullmatch(path)):
            return _proto(status_response(self._predictor.repository.status(*_target(match))))
        raise ServingError(400, f"Malformed request: {method} {path}")

    async def _call(self, request: Request, match: re.Match[str]) -> Response:
        started, name = time.monotonic(), match["name"]
        status = "OK"
        try:
            if match["method"].lower() != "predict":
                raise self._not_offered(match)
            return await self._predict(request, match)
        except ServingError as error:
            status = grpc_status(error).name
            raise
        except Exception:
            status = "INTERNAL"
            raise
        finally:
            self._predictor.count(name, "REST", status, started)

    async def _predict(self, request: Request, match: re.Match[str]) -> Response:
        servable = self._predictor.repository.get(*_target(match))
        loop = asyncio.get_running_loop()
        async with self._bodies.read(request) as content:
            self._predictor.metrics.bytes_in.inc(len(content))
            read = loop.run_in_executor(self._parsers, _read, content, servable, self._max_body_bytes)
            signature, format, arrays = await read
            outputs = await self._predictor.predict(servable, signature, arrays, self._timeout)
            answer = await loop.run_in_executor(self._parsers, json_tensors.to_json, outputs, format)
        self._predictor.metrics.bytes_out.inc(len(answer))
        return Response(answer, media_type=JSON)

    def _metadata(
        self, name: str, version: int | None, label: str | None
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        servable = self._predictor.repository.get(name, version, label)
        return metadata_response(servable)

    def _not_offered(self, match: re.Match[str]) -> ServingError:
        """What TensorFlow Serving says for models whose signatures are all of the predict kind, as ours are."""
        self._predictor.repository.get(*_target(match))
        method = match["method"].lower()
        kind = {"classify": "classification", "regress": "regression"}[method]
        return ServingError(
            400,
            f"Expected {kind} signature method_name to be tensorflow/serving/{method}. Was: tensorflow/serving/predict",
        )


def status_response(states: list[VersionStatus]) -> get_model_status_pb2.GetModelStatusResponse:
    """`GetModelStatusResponse` for both protocols."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for state in states:
        entry = response.model_version_status.add(version=state.version)
        entry.state = get_model_status_pb2.ModelVersionStatus.State.Value(state.state)
        entry.status.error_code = 2 if state.error else 0
        entry.status.error_message = state.error
    return response


def metadata_response(servable: Servable) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """`GetModelMetadataResponse` with the signatures, for both protocols."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in servable.signature_defs.items():
        signatures.signature_def[name].CopyFrom(definition)
    packed = any_pb2.Any()
    packed.Pack(signatures)
    response.metadata["signature_def"].CopyFrom(packed)
    return response


def _target(match: re.Match[str]) -> tuple[str, int | None, str | None]:
    version = int(match["version"]) if match["version"] else None
    if version is not None and version > _MAX_VERSION:
        raise ServingError(400, f"Failed to convert version: {match['version']} to numeric.")
    return match["name"], version, match["label"]


def _read(content: bytes, servable: Servable, max_body_bytes: int) -> tuple[Signature, str, dict[str, np.ndarray]]:
    check_cost(content, max_body_bytes)
    body = json_tensors.parse(content)
    signature = servable.signature(body.signature_name)
    return signature, body.format, json_tensors.to_arrays(body, signature)


def _proto(message: Any) -> Response:
    text = json_format.MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return Response(text, media_type=JSON)


def _error(error: ServingError) -> Response:
    # After 408 the rest of the body is still to come: it is not waited for.
    headers = {401: {"www-authenticate": "Bearer"}, 408: {"connection": "close"}}.get(error.http_status, {})
    return Response(json_tensors.error_body(str(error)), error.http_status, headers, media_type=JSON)


def _authorize(request: Request, token: str | None) -> None:
    if token is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise ServingError(401, "a valid bearer token is needed: Authorization: Bearer TOKEN")
