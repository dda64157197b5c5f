"""Sends one request until it is answered or the deadline passes."""

from __future__ import annotations

import random
import time
from typing import Any

from serving.edge.errors import BadAnswerError, CloudError, DeadlineError
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
            raise CloudError(f"expected a URL like http://HOST:8501, received {url!r}")
        self._url = url.rstrip("/")
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

    def post(self, path: str, body: bytes, deadline: Deadline, content_type: str = "application/json") -> bytes:
        """The answer to one request.

        After 429, 503 and lost connections the same bytes are sent again, after a random pause that grows; nothing
        else is repeated.

        Args:
            path: From the server's root.
            body: What `content_type` says.
            deadline: For all attempts together.
            content_type: Of the body.

        Raises:
            DeadlineError: If it passes; the text names the last attempt's failure.
            CloudError: If the cloud refuses the request.
            BadAnswerError: If the answer is longer than it may be.
        """
        pause, failure = _FIRST_PAUSE, None
        while True:
            try:
                status, content, wait = self._attempt(path, body, deadline, content_type)
            except DeadlineError as error:
                raise self._too_late(deadline, failure) from error
            if status == 200:
                return content
            failure = content if isinstance(content, str) else f"HTTP {status}: {_text(content)}"
            if status is not None and status not in _RETRIED:
                raise CloudError(f"{self._url}{path} was refused with {failure}")
            # Jitter, so that clients that failed together do not come back together.
            pause_now = max(wait, random.SystemRandom().uniform(pause / 2, pause))
            try:
                left = deadline.left()
            except DeadlineError:
                left = 0.0
            if pause_now >= left:
                raise self._too_late(deadline, failure)
            time.sleep(pause_now)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _attempt(self, path: str, body: bytes, deadline: Deadline, content_type: str) -> tuple[int | None, Any, float]:
        """Status, body and the server's Retry-After; status None and a text for a lost connection."""
        import urllib3

        headers = {**self._pool.headers, "content-type": content_type}
        try:
            timeout = urllib3.Timeout(total=deadline.left())
            response = self._pool.request(
                "POST", self._url + path, body=body, headers=headers, timeout=timeout, preload_content=False
            )
            try:
                content = self._read(response, deadline)
            except BaseException:
                response.close()  # Half-read: of no use to the next request.
                raise
            response.release_conn()
            return response.status, content, _retry_after(response)
        except urllib3.exceptions.NewConnectionError as error:
            return None, str(error), 0.0
        except urllib3.exceptions.TimeoutError as error:
            deadline.left()
            return None, f"timeout: {error}", 0.0
        except urllib3.exceptions.SSLError as error:
            raise CloudError(f"no trusted connection to {self._url}: {error}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            deadline.left()  # A connection that was cut at the deadline is not lost, but late.
            return None, f"{type(error).__name__}: {error}", 0.0

    def _read(self, response: Any, deadline: Deadline) -> bytes:
        content = bytearray()
        with response.connection.cut_after(deadline.left()):
            while chunk := response.read1(_CHUNK, decode_content=True):
                content += chunk
                if len(content) > self._max_answer_bytes:
                    raise BadAnswerError(f"the answer is longer than {self._max_answer_bytes} bytes")
        deadline.left()
        return bytes(content)

    def _too_late(self, deadline: Deadline, failure: str | None) -> DeadlineError:
        text = f"no complete answer from {self._url} within {deadline.seconds:g} s"
        return DeadlineError(f"{text}; the last attempt: {failure}" if failure else text)


def _retry_after(response: Any) -> float:
    try:
        return max(0.0, float(response.headers.get("retry-after", 0)))
    except ValueError:
        return 0.0


def _text(content: bytes) -> str:
    return content[:500].decode("utf-8", "replace")
