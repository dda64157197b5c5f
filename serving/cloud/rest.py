"""TensorFlow Serving's REST API as an ASGI application."""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

import numpy as np
from google.protobuf import any_pb2, json_format
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, request_response
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from serving.cloud import array_memory, inference, json_examples, json_tensors, metrics
from serving.cloud.grpc_status import grpc_status
from serving.cloud.model_config import MONITORING_PATH
from serving.cloud.predictor import Predictor
from serving.cloud.repository import VersionStatus
from serving.cloud.servable import Servable, Signature
from serving.protocol.bodies import BodyReader, InFlight
from serving.protocol.errors import TOO_MUCH_MEMORY, ServingError
from serving.protocol.json_cost import check_cost
from serving.protocol.limits import Limits

JSON = "application/json"
_MODEL = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_FLAGS = re.IGNORECASE | re.ASCII
_CALL = re.compile(rf"/v1/models/(?P<name>[^/:]+){_MODEL}:(?P<method>predict|classify|regress)", _FLAGS)
_LOOK = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_MODEL}(?:/(?P<subresource>metadata))?", _FLAGS)
_METHODS = {"classify": inference.CLASSIFY, "regress": inference.REGRESS}
_MAX_VERSION, _SHOWN_DIGITS = 2**63 - 1, 40
_CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": "Content-Type, Authorization",
}
_log = logging.getLogger(__name__)
_Handler = Callable[[Request], Awaitable[Response]]


@dataclasses.dataclass(frozen=True)
class RestOptions:
    """How to answer.

    Attributes:
        limits: What clients may cost.
        timeout: Seconds for an answer.
        token: Bearer token that requests must carry, or None.
        cors: Whether pages from anywhere may ask.
        monitoring_path: Path of the metrics, or None for none.
        check_methods: Whether signatures are asked for their method's name.
    """

    limits: Limits
    timeout: float
    token: str | None = None
    cors: bool = False
    monitoring_path: str | None = MONITORING_PATH
    check_methods: bool = False


def make_app(
    predictor: Predictor,
    options: RestOptions,
    is_ready: Callable[[], bool],
    parsers: ThreadPoolExecutor,
    in_flight: InFlight,
) -> Starlette:
    """The application.

    Args:
        predictor: Answers requests.
        options: `RestOptions`.
        is_ready: Tells whether the server can answer; False while it loads and while it stops.
        parsers: Threads for reading and writing JSON; their number bounds the memory that this takes.
        in_flight: Where the bytes of requests are counted.
    """
    api = _Api(predictor, options, in_flight, parsers)

    def guarded(handler: _Handler) -> _Handler:
        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except ServingError as error:
                return _error(error)
            except MemoryError:
                return _error(ServingError(413, TOO_MUCH_MEMORY))
            except Exception:
                _log.exception("a request failed")
                return _error(ServingError(500, "internal error; the server's log says more"))

        return handle

    async def asked(request: Request) -> Response:
        preflight = request.method == "OPTIONS"  # browsers send it without a token
        response = await guarded(_preflight if preflight else api.handle)(request)
        if options.cors:
            response.headers.update(_CORS)
        return response

    async def live(request: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    async def ready(request: Request) -> Response:
        return Response("ok\n" if is_ready() else "not ready\n", 200 if is_ready() else 503, media_type="text/plain")

    async def monitoring(request: Request) -> Response:
        _authorize(request, options.token)
        return Response(predictor.metrics.text(), headers={"content-type": metrics.CONTENT_TYPE})

    async def nowhere(request: Request, error: Exception) -> Response:
        return _error(ServingError(404, f"Not found: {_path(request)}"))

    routes: list[BaseRoute] = [Route("/healthz/live", live), Route("/healthz/ready", ready)]
    if options.monitoring_path:
        routes.append(Route(options.monitoring_path, guarded(monitoring)))
    # A mount, not a route: it takes every verb, those that nobody knows included.
    routes.append(Mount("/", app=request_response(asked)))
    return Starlette(
        routes=routes,
        middleware=[Middleware(GZipMiddleware, minimum_size=1024, compresslevel=1)],
        exception_handlers={404: nowhere},
    )


class _Api:
    def __init__(
        self, predictor: Predictor, options: RestOptions, in_flight: InFlight, parsers: ThreadPoolExecutor
    ) -> None:
        self._predictor, self._options, self._parsers = predictor, options, parsers
        self._bodies = BodyReader(options.limits, in_flight)

    async def handle(self, request: Request) -> Response:
        _authorize(request, self._options.token)
        path, method = _path(request), request.method
        if not path.lower().startswith("/v1/"):
            raise ServingError(404, f"Not found: {path}")
        if method == "POST" and (match := _CALL.fullmatch(path)):
            return await self._call(request, match)
        if method == "GET" and (match := _LOOK.fullmatch(path)):
            return self._look(match)
        raise ServingError(400, f"Malformed request: {method} {path}")

    def _look(self, match: re.Match[str]) -> Response:
        name, version, label = _target(match)
        if not name:
            raise ServingError(400, "Missing model name in request.")
        if not match["subresource"]:
            return _json(status_response(self._predictor.repository.status(name, version, label)))
        answer = metadata_response(self._predictor.repository.get(name, version, label))
        signatures = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(signatures)
        # Written out: an Any's JSON would carry its type.
        document = {"model_spec": _document(answer.model_spec), "metadata": {"signature_def": _document(signatures)}}
        return Response(json.dumps(document, indent=1), media_type=JSON)

    async def _call(self, request: Request, match: re.Match[str]) -> Response:
        started, method = time.monotonic(), match["method"].lower()
        name, status = unquote(match["name"]), "OK"
        try:
            servable = self._predictor.repository.get(*_target(match))
            async with self._bodies.read(request) as content:
                self._predictor.metrics.bytes_in.inc(len(content))
                ask = self._predict if method == "predict" else self._infer
                answer = await ask(servable, content, method)
            self._predictor.metrics.bytes_out.inc(len(answer))
            return Response(answer, media_type=JSON)
        except ServingError as error:
            status = grpc_status(error).name
            raise
        except Exception:
            status = "INTERNAL"
            raise
        finally:
            self._predictor.count(name, method, "REST", status, started)

    async def _predict(self, servable: Servable, content: bytes, method: str) -> bytes:
        read = self._in_a_thread(_read_predict, content, servable, self._options.limits.max_body_bytes)
        signature, format, arrays = await read
        if self._options.check_methods:
            inference.check_predict_method(servable, signature)
        with array_memory.counted(self._bodies.in_flight, arrays.values(), len(content)):
            outputs = await self._predictor.predict(servable, signature, arrays, self._options.timeout)
        return await self._in_a_thread(json_tensors.to_json, outputs, format)

    async def _infer(self, servable: Servable, content: bytes, method: str) -> bytes:
        read = self._in_a_thread(_read_examples, content, self._options.limits.max_body_bytes)
        name, examples = await read
        kind = _METHODS[method]
        signature = inference.signature_for(servable, name, kind, self._options.check_methods)
        with array_memory.counted(self._bodies.in_flight, [examples], len(content)):
            result = await inference.infer(self._predictor, servable, signature, kind, examples, self._options.timeout)
        return await self._in_a_thread(json_examples.to_json, result)

    def _in_a_thread(self, work: Callable[..., Any], *arguments: Any) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(self._parsers, work, *arguments)


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


def _path(request: Request) -> str:
    """The path as it was sent: names are decoded once it is taken apart, since they may hold what takes it apart."""
    return request.scope["raw_path"].decode("latin-1")


def _target(match: re.Match[str]) -> tuple[str, int | None, str | None]:
    return (
        unquote(match["name"] or ""),
        _version(match["version"] or ""),
        unquote(match["label"]) if match["label"] else None,
    )


def _version(digits: str) -> int | None:
    """The number of a version, none if there are no digits; Python itself refuses thousands of them."""
    significant = digits.lstrip("0")
    if len(significant) > len(str(_MAX_VERSION)) or int(significant or "0") > _MAX_VERSION:
        raise ServingError(400, f"Failed to convert version: {digits[:_SHOWN_DIGITS]} to numeric.")
    return int(significant or "0") if digits else None


async def _preflight(request: Request) -> Response:
    if not re.match("https?://", request.headers.get("origin", "")):
        raise ServingError(400, "Origin header is missing in CORS preflight", "FAILED_PRECONDITION")
    return Response(media_type=JSON)


def _read_predict(
    content: bytes, servable: Servable, max_body_bytes: int
) -> tuple[Signature, str, dict[str, np.ndarray]]:
    check_cost(content, max_body_bytes)
    body = json_tensors.parse(content)
    signature = servable.signature(body.signature_name)
    return signature, body.format, json_tensors.to_arrays(body, signature)


def _read_examples(content: bytes, max_body_bytes: int) -> tuple[str, np.ndarray]:
    check_cost(content, max_body_bytes, messages=True)
    name, given = json_examples.parse(content)
    return name, inference.serialized(given, max_body_bytes)


def _document(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _json(message: Any) -> Response:
    return Response(json.dumps(_document(message), indent=1), media_type=JSON)


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
