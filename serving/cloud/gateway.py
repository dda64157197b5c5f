"""The Oblivious HTTP gateway in front of the embedded server: opens requests, seals answers.

Whoever can reach the gateway sees sealed requests of one size from a relay; the server behind it sees requests without
an address. Reference: RFC 9458.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.cloud.replays import FULL, REPEATED, UNTIMELY, Replays
from serving.protocol import bhttp, ohttp
from serving.protocol.bodies import BodyReader, InFlight
from serving.protocol.dates import read_date, write_date
from serving.protocol.errors import TOO_MUCH_MEMORY, ServingError
from serving.protocol.limits import Limits

_FORWARDED = ("content-type", "authorization")
_RETURNED = ("content-type", "retry-after")
_PROBLEM_TYPE = "application/problem+json"
_UNCACHED = {"cache-control": "no-store"}
#: Status, problem type and text of what is not asked of the application.
_REFUSALS = {
    REPEATED: (409, ohttp.NO_TYPE, "this request was answered before; seal it anew to ask again"),
    UNTIMELY: (400, ohttp.DATE_PROBLEM, "the request's Date is missing or not within minutes of now"),
    FULL: (503, ohttp.NO_TYPE, "too many requests were answered in these minutes; try again"),
}
_log = logging.getLogger(__name__)


class Gateway:
    """An ASGI application around another one.

    `GET` of `serving.protocol.ohttp.GATEWAY_PATH` answers with the key configurations; `POST` opens the request, asks
    the application and seals its answer. What goes wrong before a request is open is told in plain, all else sealed
    (section 5.2). All other requests pass, unless it is `only` for sealed ones.

    Args:
        application: The ASGI application behind it.
        keys: Gives the gateway's keys; called for every request, so that they may change.
        limits: Bounds of sealed requests.
        only: Whether requests that are not sealed are refused (health checks are not).
        in_flight: Where the bytes of sealed requests are counted, beside those of the application's; default: a budget
            of their own.
    """

    def __init__(
        self,
        application: ASGIApp,
        keys: Callable[[], ohttp.GatewayKeys],
        limits: Limits,
        only: bool = False,
        in_flight: InFlight | None = None,
    ) -> None:
        self._application, self._keys, self._only = application, keys, only
        self._bodies, self._replays = BodyReader(limits, in_flight), Replays()

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
            return Response(self._keys().to_bytes(), headers=_UNCACHED, media_type=ohttp.KEYS_TYPE)
        if request.method != "POST":
            return Response(status_code=405, headers={"allow": "GET, POST"})
        if request.headers.get("content-type") != ohttp.REQUEST_TYPE:
            return _plain(415, ohttp.NO_TYPE, f"expected the content type {ohttp.REQUEST_TYPE}")
        try:
            async with self._bodies.read(request) as body:
                opened = self._keys().open(body)
                return await self._answer_opened(opened)
        except ServingError as error:
            return _plain(error.http_status, ohttp.NO_TYPE, str(error))
        except ohttp.KeyProblemError as error:
            return _plain(422, ohttp.KEY_PROBLEM, str(error))
        except ohttp.ObliviousError as error:
            return _plain(400, ohttp.NO_TYPE, str(error))

    async def _answer_opened(self, opened: ohttp.Opened) -> Response:
        """The sealed answer, whatever goes wrong."""
        try:
            status, headers, content = await self._answer_inside(opened)
        except asyncio.CancelledError:  # the server ends; the connection is still there
            status, headers, content = _problem(503, ohttp.NO_TYPE, "the server is stopping; try again")
        except MemoryError:
            status, headers, content = _problem(413, ohttp.NO_TYPE, TOO_MUCH_MEMORY)
        except Exception:
            _log.exception("an oblivious request failed")
            status, headers, content = _problem(500, ohttp.NO_TYPE, "internal error; the server's log says more")
        message = bhttp.write_response(status, headers, content)
        return Response(opened.seal(message), headers=_UNCACHED, media_type=ohttp.RESPONSE_TYPE)

    async def _answer_inside(self, opened: ohttp.Opened) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content of the answer to an open request."""
        try:
            method, path, headers, content = bhttp.read_request(opened.request)
        except bhttp.MessageError as error:
            return _problem(400, ohttp.NO_TYPE, str(error))
        if "expect" in headers:  # section 5.1
            return _problem(417, ohttp.NO_TYPE, "an expectation cannot be met: the answer comes whole")
        date = read_date(headers.get("date", ""))
        if refused := self._replays.refuse(opened.encapsulated, date):
            return _problem(*_REFUSALS[refused])
        status = 500
        try:
            status, returned, answer = await self._ask(method, path, headers, content)
        finally:
            if status >= 400 and date is not None:
                self._replays.forget(opened.encapsulated, date)
        return status, returned, answer

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], content: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content of the application's answer; it learns nothing of who asked."""
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
        answered = {name.decode(): value.decode("latin-1") for name, value in parts["headers"]}
        returned = {name: answered[name] for name in _RETURNED if name in answered}
        return parts["status"], {"content-type": "application/json", **returned}, bytes(parts["body"])


def _problem(status: int, kind: str, text: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content of a refusal that is sealed; its Date lets clients with a wrong clock ask again."""
    headers = {"content-type": _PROBLEM_TYPE, "date": write_date(time.time())}
    return status, headers, json.dumps({"type": kind, "title": text}).encode()


def _plain(status: int, kind: str, text: str) -> Response:
    return JSONResponse({"type": kind, "title": text}, status, _UNCACHED, media_type=_PROBLEM_TYPE)
