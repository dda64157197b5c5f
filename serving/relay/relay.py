"""An Oblivious HTTP relay: passes sealed requests on, without addresses, in batches and in another order.

It knows who asks, not what; the gateway knows what, not who. They must belong to different operators. Requests
wait until those of enough clients are there to hide among, or for a while, and leave in a random order: neither order
nor timing relates two requests. Nothing is sent twice. Reference: RFC 9458, section 6.2.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import urllib3
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.protocol import ohttp
from serving.protocol.bodies import BodyReader
from serving.protocol.errors import ServingError
from serving.protocol.limits import Limits
from serving.relay.batch import Batch, client_of

_THREADS = 32
_KEYS_SECONDS = 60.0  # how long the copy of the gateway's keys is the same for all
_Waiting = tuple[bytes, "asyncio.Future[Response]"]


@dataclasses.dataclass(frozen=True)
class RelayOptions:
    """How to relay.

    Attributes:
        gateway_url: The gateway's server, `http(s)://HOST:PORT`.
        batch: Clients whose requests leave together.
        wait_seconds: Longest time that a request waits for others.
        least_clients: Clients without whom nothing leaves: their requests are refused with 503 when the time is over.
        timeout: Seconds for the gateway's answer.
        limits: What clients may cost.
        ca_file: PEM file of the authority that signed the gateway's certificate, or None for the system's.
    """

    gateway_url: str
    batch: int = 32
    wait_seconds: float = 0.05
    least_clients: int = 1
    timeout: float = 30.0
    limits: Limits = dataclasses.field(default_factory=Limits)
    ca_file: str | None = None


def make_app(options: RelayOptions) -> Starlette:
    """The relay as an ASGI application: `GET` and `POST` of `/`."""
    relay = _Relay(options)
    return Starlette(routes=[Route("/", relay.keys, methods=["GET"]), Route("/", relay.forward, methods=["POST"])])


class _Relay:
    def __init__(self, options: RelayOptions) -> None:
        self._options = options
        self._bodies = BodyReader(options.limits)
        more: dict[str, Any] = {"ca_certs": options.ca_file} if options.ca_file else {}
        self._pool = urllib3.PoolManager(maxsize=_THREADS, retries=False, **more)
        self._threads = ThreadPoolExecutor(_THREADS, "relay")
        self._url = options.gateway_url.rstrip("/") + ohttp.GATEWAY_PATH
        self._batch: Batch[_Waiting] = Batch(self._leave, options.batch, options.wait_seconds)
        self._keys: asyncio.Task[Response] | None = None
        self._keys_until = 0.0

    async def keys(self, request: Request) -> Response:
        """The gateway's key configurations: one copy for all clients, who compare it with one from elsewhere."""
        if self._keys is None or time.monotonic() > self._keys_until:
            self._keys, self._keys_until = asyncio.create_task(self._fetch_keys()), time.monotonic() + _KEYS_SECONDS
        return await asyncio.shield(self._keys)

    async def _fetch_keys(self) -> Response:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._ask, "GET", None)
        if found.status_code != 200:
            self._keys_until = 0.0  # the next one asks again
        return found

    async def forward(self, request: Request) -> Response:
        """Passes on the body alone: no header and no address of the client."""
        if request.headers.get("content-type") != ohttp.REQUEST_TYPE:
            return Response(f"expected the content type {ohttp.REQUEST_TYPE}\n", 415, media_type="text/plain")
        try:
            async with self._bodies.read(request) as body:
                if not ohttp.looks_sealed(body):
                    return Response("expected a sealed request\n", 400, media_type="text/plain")
                return await self._answer(body, client_of(request.client.host if request.client else None))
        except ServingError as error:
            return Response(f"{error}\n", error.http_status, media_type="text/plain")

    async def _answer(self, body: bytes, client: str) -> Response:
        """The gateway's answer to a body that leaves together with others."""
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._batch.add((body, answer), client)
        return await answer

    def _leave(self, together: list[_Waiting], clients: int) -> None:
        """Sends what waited, if it is from enough clients."""
        loop = asyncio.get_running_loop()
        for body, answer in together:
            if clients < self._options.least_clients:
                if not answer.done():
                    text = f"too few clients ask at this time ({clients}); nothing was passed on\n"
                    answer.set_result(Response(text, 503, {"retry-after": "1"}, media_type="text/plain"))
                continue
            task = loop.run_in_executor(self._threads, self._ask, "POST", body)
            task.add_done_callback(functools.partial(_pass_on, answer=answer))

    def _ask(self, method: str, body: bytes | None) -> Response:
        headers = {"content-type": ohttp.REQUEST_TYPE, "user-agent": "datamix-tf-relay"} if body is not None else {}
        most = self._options.limits.max_body_bytes
        try:
            found = self._pool.request(
                method, self._url, body=body, headers=headers, timeout=self._options.timeout, preload_content=False
            )
            content = found.read(most + 1, decode_content=False)
        except urllib3.exceptions.NewConnectionError:  # a kind of timeout to urllib3
            return Response("the gateway cannot be reached\n", 502, media_type="text/plain")
        except urllib3.exceptions.TimeoutError:
            return Response("the gateway did not answer in time\n", 504, media_type="text/plain")
        except urllib3.exceptions.HTTPError:
            return Response("the gateway's answer was cut off\n", 502, media_type="text/plain")
        if len(content) > most:
            found.close()
            return Response(f"the gateway's answer has more than {most} bytes\n", 502, media_type="text/plain")
        found.release_conn()
        media_type = found.headers.get("content-type", "application/octet-stream")
        return Response(content, found.status, headers={"cache-control": "no-store"}, media_type=media_type)


def _pass_on(done: asyncio.Future, answer: asyncio.Future) -> None:
    if answer.done():  # the client has gone
        return
    if failure := done.exception():
        answer.set_exception(failure)
    else:
        answer.set_result(done.result())
