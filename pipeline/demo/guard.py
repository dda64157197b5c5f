"""Who may talk to the demo: this machine's browser on the demo's own page, unless the user opened it further."""

from __future__ import annotations

import secrets
import urllib.parse

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Guard:
    """Refuses requests to other names and from other pages, with 403.

    A page elsewhere can make a browser send requests here: by its own name, which it points to 127.0.0.1 (DNS
    rebinding: the Host header gives it away), or from its own origin (the Origin header does). The page shows raw
    inputs of the run, so that neither may be answered.

    Args:
        app: The ASGI application behind it.
        host: The address that the user asked to listen on; if it is none of `LOOPBACK`, any Host is let through.
        token: What the page's address must have as `?token=`: other users of this machine do not know it.
    """

    def __init__(self, app, host: str | None, token: str):
        self._app, self._open = app, host is not None and host not in LOOPBACK
        self._token = token.encode()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and (reason := self._refusal(scope)):
            await JSONResponse({"error": reason}, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope):
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._open and _name(host) not in LOOPBACK:
            return f"expected the Host header to name this machine ({', '.join(LOOPBACK)}), received {host!r}"
        origin = headers.get("origin")
        if scope["method"] not in ("GET", "HEAD") and origin != f"http://{host}":
            return f"expected a request from the demo's own page (Origin http://{host}), received Origin {origin!r}"
        given = urllib.parse.parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not secrets.compare_digest(given.encode(), self._token):
            return "expected the token of the demo's address; open the whole address that the demo printed"
        return ""


def _name(host):
    """The name in a Host header, without its port."""
    try:
        return urllib.parse.urlsplit(f"//{host}").hostname
    except ValueError:
        return None
