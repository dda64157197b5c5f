"""Sends one request until it is answered or the deadline passes."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable
from typing import Any

from serving.edge.errors import BadAnswerError, CloudError, DeadlineError
from serving.protocol.addresses import masked
from serving.version import __version__

_RETRIED = (429, 503)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_CHUNK = 1 << 16


class Deadline:
    """A point in time that all attempts of a query share.

    Args:
        seconds: From now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left; DeadlineError if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise DeadlineError(f"no complete answer within {self.seconds:g} s")
        return left


@dataclasses.dataclass(frozen=True)
class Attempt:
    """What became of one attempt at a request.

    Attributes:
        status: HTTP status of the answer, or None if there was none.
        content: The answer's.
        failure: What went wrong, where the status does not tell it.
        wait: Seconds that the server asks to wait.
        arrived: Whether a request without an answer may have arrived.
    """

    status: int | None
    content: bytes = b""
    failure: str = ""
    wait: float = 0.0
    arrived: bool = False


class Transport:
    """An HTTP connection to the cloud.

    Args:
        url: `http(s)://HOST:PORT`.
        token: Bearer token, or None.
        ca_file: PEM file of the authority that signed the server's certificate (default: the system's).
        max_answer_bytes: Largest answer that is read.

    Raises:
        CloudError: If the URL is not one.
    """

    def __init__(
        self, url: str, token: str | None = None, ca_file: str | None = None, max_answer_bytes: int = 64 << 20
    ) -> None:
        import urllib3

        from serving.edge.connections import pool_classes

        parsed = urllib3.util.parse_url(url)
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise CloudError(f"expected a URL like http://HOST:8501, received {masked(url)!r}")
        self._url, self._shown = url.rstrip("/"), masked(url.rstrip("/"))
        self._max_answer_bytes = max_answer_bytes
        headers = {"user-agent": f"datamix-tf/{__version__}", "accept-encoding": "gzip"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        options: dict[str, Any] = {"ca_certs": ca_file} if parsed.scheme == "https" else {}
        self._pool = urllib3.PoolManager(headers=headers, retries=False, **options)
        self._pool.pool_classes_by_scheme = pool_classes()

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()

    def post(self, path: str, body: bytes, deadline: Deadline) -> bytes:
        """The answer to one request.

        After 429, 503 and lost connections the same bytes are sent again, after a random pause that grows; nothing
        else is repeated.

        Args:
            path: From the server's root.
            body: JSON.
            deadline: For all attempts together.

        Raises:
            DeadlineError: If it passes; the text names the last attempt's failure.
            CloudError: If the cloud refuses the request.
            BadAnswerError: If the answer is longer than it may be.
        """
        return repeat(lambda: self.attempt("POST", path, body, deadline), self._shown, path, deadline)

    def attempt(
        self, method: str, path: str, body: bytes | None, deadline: Deadline, content_type: str = "application/json"
    ) -> Attempt:
        """One attempt at a request, with the arguments of `post`.

        Raises:
            DeadlineError: If the deadline passes meanwhile.
            CloudError: If the server's certificate is not trusted.
            BadAnswerError: If the answer is longer than it may be.
        """
        import urllib3

        headers = {**self._pool.headers, **({"content-type": content_type} if body is not None else {})}
        try:
            timeout = urllib3.Timeout(total=deadline.left())
            response = self._pool.request(
                method, self._url + path, body=body, headers=headers, timeout=timeout, preload_content=False
            )
            try:
                content = self._read(response, deadline)
            except BaseException:
                response.close()  # Half-read: of no use to the next request.
                raise
            response.release_conn()
            return Attempt(response.status, content, wait=read_retry_after(response.headers.get("retry-after", "")))
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            deadline.left()
            return Attempt(None, failure=str(error))
        except urllib3.exceptions.TimeoutError as error:
            deadline.left()
            return Attempt(None, failure=f"timeout: {error}", arrived=True)
        except urllib3.exceptions.SSLError as error:
            raise CloudError(f"no trusted connection to {self._shown}: {error}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            deadline.left()  # A connection that was cut at the deadline is not lost, but late.
            return Attempt(None, failure=f"{type(error).__name__}: {error}", arrived=True)

    def _read(self, response: Any, deadline: Deadline) -> bytes:
        content = bytearray()
        with response.connection.cut_after(deadline.left()):
            while chunk := response.read1(_CHUNK, decode_content=True):
                content += chunk
                if len(content) > self._max_answer_bytes:
                    raise BadAnswerError(f"the answer is longer than {self._max_answer_bytes} bytes")
        deadline.left()
        return bytes(content)


def repeat(
    attempt: Callable[[], Attempt], server: str, path: str, deadline: Deadline, again_if_lost: bool = True
) -> bytes:
    """Makes attempts until one is answered.

    Args:
        attempt: Makes one.
        server: Who is asked, for messages.
        path: For what.
        deadline: For all attempts together.
        again_if_lost: Whether a request that may have arrived is sent again.

    Returns:
        The content of the answer with status 200.

    Raises:
        DeadlineError: If the deadline passes; the text names the last attempt's failure.
        CloudError: If the request is refused, or lost and not to be sent again.
    """
    pause, failure = _FIRST_PAUSE, ""
    while True:
        try:
            found = attempt()
        except DeadlineError as error:
            raise _too_late(server, deadline, failure) from error
        if found.status == 200:
            return found.content
        failure = found.failure or f"HTTP {found.status}: {_text(found.content)}"
        if found.status is not None and found.status not in _RETRIED:
            raise CloudError(f"{server}{path} was refused with {failure}")
        if found.arrived and not again_if_lost:
            raise CloudError(
                f"the answer of {server}{path} was lost ({failure}); the request may have arrived, so it is not sent "
                "again by itself"
            )
        # Jitter, so that clients that failed together do not come back together.
        pause_now = max(found.wait, random.SystemRandom().uniform(pause / 2, pause))
        try:
            left = deadline.left()
        except DeadlineError:
            left = 0.0
        if pause_now >= left:
            raise _too_late(server, deadline, failure)
        time.sleep(pause_now)
        pause = min(2 * pause, _LONGEST_PAUSE)


def read_retry_after(text: str) -> float:
    """The seconds of a `Retry-After` field; 0 where it has none."""
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0


def _too_late(server: str, deadline: Deadline, failure: str) -> DeadlineError:
    text = f"no complete answer from {server} within {deadline.seconds:g} s"
    return DeadlineError(f"{text}; the last attempt: {failure}" if failure else text)


def _text(content: bytes) -> str:
    return content[:500].decode("utf-8", "replace")
