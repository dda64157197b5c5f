"""The Oblivious HTTP gateway in front of the embedded server: opens requests, seals answers.

Whoever can reach the gateway sees sealed requests of one size from a relay; the server behind it sees requests without
an address. Reference: RFC 9458.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.protocol import ohttp
from serving.protocol.bodies import BodyReader, InFlight
from serving.protocol.errors import ServingError
from serving.protocol.limits import Limits

_PROBLEM = "https://iana.org/assignments/http-problem-types#ohttp-key"
_FORWARDED = ("content-type", "authorization")


class Gateway:
    """An ASGI application around another one.

    `GET` of `serving.protocol.ohttp.GATEWAY_PATH` answers with the key configuration; `POST` opens the request, asks
    the application and seals its answer. All other requests pass, unless it is `only` for sealed ones.

    Args:
        application: The ASGI application behind it.
        key: The gateway's key.
        limits: Bounds of sealed requests.
        only: Whether requests that are not sealed are refused (health checks are not).
        in_flight: Where the bytes of sealed requests are counted, beside those of the application's; default: a budget
            of their own.
    """

    def __init__(
        self,
        application: ASGIApp,
        key: ohttp.GatewayKey,
        limits: Limits,
        only: bool = False,
        in_flight: InFlight | None = None,
    ) -> None:
        self._application, self._key, self._only = application, key, only
        self._bodies = BodyReader(limits, in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, as ASGI has it."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path != ohttp.GATEWAY_PATH:
            if scope["type"] == "http" and self._only and not path.startswith("/healthz/"):
                refused = Response("this server takes sealed requests only\n", 403, media_type="text/plain")
                return await refused(scope, receive, send)
            return await self._application(scope, receive, send)
        response = await self._answer(Request(scope, receive))
        return await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "GET":
            return Response(self._key.config.to_bytes(), media_type=ohttp.KEYS_TYPE)
        if request.method != "POST":
            return Response(status_code=405, headers={"allow": "GET, POST"})
        if request.headers.get("content-type") != ohttp.REQUEST_TYPE:
            return _problem(415, "about:blank", f"expected the content type {ohttp.REQUEST_TYPE}")
        try:
            async with self._bodies.read(request) as body:
                opened, seal = self._key.open(body)
                method, path, headers, content = ohttp.read_request(opened)
                status, media_type, answer = await self._ask(method, path, headers, content)
        except ServingError as error:
            return _problem(error.http_status, "about:blank", str(error))
        except ohttp.ObliviousError as error:
            return _problem(400, _PROBLEM, str(error))
        return Response(
            seal(ohttp.write_response(status, {"content-type": media_type}, answer)), media_type=ohttp.RESPONSE_TYPE
        )

    async def _ask(self, method: str, path: str, headers: dict[str, str], content: bytes) -> tuple[int, str, bytes]:
        """Status, content type and content of the application's answer; it learns nothing of who asked."""
        raw, _, query = path.partition("?")
        kept = [(name.encode(), headers[name].encode("latin-1")) for name in _FORWARDED if name in headers]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": unquote(raw),
            "raw_path": raw.encode("latin-1", "replace"),
            "query_string": query.encode("latin-1", "replace"),
            "root_path": "",
            "headers": [*kept, (b"content-length", str(len(content)).encode())],
            "server": None,
            "client": None,
        }
        parts: dict[str, Any] = {"status": 500, "headers": [], "body": bytearray()}

        async def receive() -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                parts["status"], parts["headers"] = message["status"], message["headers"]
            else:
                parts["body"] += message.get("body", b"")

        await self._application(scope, receive, send)
        media_type = dict(parts["headers"]).get(b"content-type", b"application/json").decode("latin-1")
        return parts["status"], media_type, bytes(parts["body"])


def _problem(status: int, kind: str, text: str) -> Response:
    return JSONResponse({"type": kind, "title": text}, status, media_type="application/problem+json")
