"""The demo as an ASGI application: the page, and the queries that it sends back."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import logging
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline.demo.guard import Guard
from pipeline.demo.page import Page
from serving.edge.errors import EdgeError
from serving.protocol.bodies import BodyReader
from serving.protocol.errors import TOO_MUCH_MEMORY, ServingError
from serving.protocol.json_cost import check_cost
from serving.protocol.limits import Limits

LIMITS = Limits()
_log = logging.getLogger(__name__)


def make_app(
    page: Page, handle: Callable[[dict], dict], ready: concurrent.futures.Future, host: str | None, token: str
):
    """The application.

    Args:
        page: What `/` shows.
        handle: Answers a query, `{"files": [{"name", "base64"}]}`, `{"samples": [name]}` or `{"examples": count}`.
        ready: Done once the attacker is fitted; its exception is part of the state that the page asks for.
        host: The address that the user asked to listen on, or `None` for this machine alone (`Guard`).
        token: What the page's address must have as `?token=`.
    """
    bodies, one_at_a_time = BodyReader(LIMITS), asyncio.Lock()  # what a query takes, JSON and pictures, is taken once

    async def show(request):
        return Response(page.html, media_type="text/html", headers=page.headers)

    async def state(request):
        error = ready.exception() if ready.done() else None
        return JSONResponse({"ready": ready.done() and not error, "error": error and str(error)})

    async def query(request: Request):
        try:
            async with bodies.read(request) as content, one_at_a_time:  # counted until it is answered
                return JSONResponse(await run_in_threadpool(lambda: handle(_parsed(content))))
        except ServingError as error:
            return JSONResponse({"error": str(error)}, error.http_status)
        except EdgeError as error:
            return JSONResponse({"error": str(error)}, 502)
        except MemoryError:
            return JSONResponse({"error": TOO_MUCH_MEMORY}, 413)
        except Exception:
            _log.exception("a query failed")
            return JSONResponse({"error": "internal error; the demo's log says more"}, 500)

    routes = [Route("/", show), Route("/api/state", state), Route("/api/query", query, methods=["POST"])]
    return Guard(Starlette(routes=routes), host, token)


def _parsed(content):
    check_cost(content, LIMITS.max_body_bytes)
    try:
        asked = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ServingError(400, f"expected a JSON object, received what cannot be read: {error}") from None
    if isinstance(asked, dict) and set(asked) == {"files"} and _are_files(asked["files"]):
        return asked
    if isinstance(asked, dict) and set(asked) == {"examples"} and type(asked["examples"]) is int:
        if asked["examples"] >= 1:
            return asked
        raise ServingError(400, f"examples must be at least 1, received {asked['examples']}")
    if isinstance(asked, dict) and set(asked) == {"samples"} and _are_names(asked["samples"]):
        return asked
    raise ServingError(
        400,
        'expected {"files": [{"name": TEXT, "base64": TEXT}, ...]}, {"samples": [NAME, ...]} or {"examples": COUNT}',
    )


def _are_names(names):
    return isinstance(names, list) and names and all(isinstance(name, str) for name in names)


def _are_files(files):
    return (
        isinstance(files, list)
        and files
        and all(
            isinstance(file, dict)
            and set(file) == {"name", "base64"}
            and all(isinstance(v, str) for v in file.values())
            for file in files
        )
    )
