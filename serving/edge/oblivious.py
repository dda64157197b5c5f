"""Messages through an Oblivious HTTP relay: the cloud does not see who asks, the relay not what.

Reference: RFC 9458.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time

from serving.edge.errors import BadAnswerError, CloudError, DeadlineError
from serving.edge.transport import Attempt, Deadline, Transport, read_retry_after, repeat
from serving.protocol import bhttp, ohttp
from serving.protocol.addresses import masked
from serving.protocol.dates import read_date, write_date

#: Seconds by which the Date of a request is off, at most: it hides what a wrong clock would tell (section 6.8).
DATE_BLUR = 60.0
_log = logging.getLogger("serving.edge")


class ObliviousTransport:
    """Stands in for a `Transport`; every message is sealed for the gateway and padded to one size.

    Before the first message the key is compared with the copy that the relay has: a gateway that gave each client a key
    of its own would know them apart (section 7).

    Args:
        relay_url: The relay, `http(s)://HOST:PORT`.
        key_configs: The gateway's key configurations (`application/ohttp-keys`), from a source that is not the relay:
            the bundle, the gateway itself, or both, each of which must then have the key that is used.
        token: Bearer token for the cloud, or None; it is sealed too. One that only this client has tells who asks.
        ca_file: PEM file of the authority that signed the relay's certificate (default: the system's).

    Raises:
        CloudError: If the URL is none, a key configuration offers no suite that is known here, or the sources have no
            key in common.
    """

    def __init__(
        self, relay_url: str, key_configs: list[bytes], token: str | None = None, ca_file: str | None = None
    ) -> None:
        if not key_configs:
            raise CloudError("the bundle has no gateway's key: name a file with one (--oblivious_key_file)")
        self._configs = _common([_read(content) for content in key_configs])
        self._transport = Transport(relay_url, None, ca_file)
        self._relay_url = masked(relay_url.rstrip("/"))
        self._chosen: ohttp.KeyConfig | None = None
        self._choosing = threading.Lock()
        self._headers = {"content-type": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        if not relay_url.lower().startswith("https:"):
            _log.warning(
                "warning: %s is plain http: who listens on the way can tell which request is whose; use https "
                "(RFC 9458, section 6)",
                self._relay_url,
            )

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def post(self, path: str, body: bytes, deadline: Deadline) -> bytes:
        """The answer to one request.

        It is sealed anew for every attempt, and repeated only where it surely was not answered: if the connection could
        not be made, or if the relay, the gateway or the cloud says 429 or 503 (section 6.5). If the gateway finds the
        request's Date wrong, it is sent once more with the gateway's (section 6.5.2).

        Args:
            path: From the cloud's root.
            body: JSON.
            deadline: For all attempts together.

        Raises:
            DeadlineError: If it passes; the text names the last attempt's failure.
            CloudError: If the relay's copy of the key is another, the request is refused, or its answer is lost.
            BadAnswerError: If the answer cannot be opened or is longer than it may be.
        """
        with self._choosing:
            if self._chosen is None:
                self._chosen = self._compared(deadline)
        config, corrected = self._chosen, None

        def attempt() -> Attempt:
            nonlocal corrected
            date = (
                time.time() + random.SystemRandom().uniform(-DATE_BLUR, DATE_BLUR) if corrected is None else corrected
            )
            request = bhttp.write_request("POST", path, {**self._headers, "date": write_date(date)}, body)
            sealed = ohttp.Sealed(config, request)
            found = self._transport.attempt("POST", "/", sealed.body, deadline, ohttp.REQUEST_TYPE)
            if found.status != 200:
                return found
            try:
                status, headers, answer = bhttp.read_response(sealed.open(found.content))
            except ValueError as error:
                raise BadAnswerError(f"the sealed answer cannot be read: {error}") from error
            text = f"HTTP {status} behind the gateway: {answer[:500].decode('utf-8', 'replace')}"
            if corrected is None and (corrected := _their_date(status, headers, answer)) is not None:
                return Attempt(None, failure=text)
            return Attempt(
                status, answer, "" if status == 200 else text, read_retry_after(headers.get("retry-after", ""))
            )

        return repeat(attempt, self._relay_url, path, deadline, again_if_lost=False)

    def _compared(self, deadline: Deadline) -> ohttp.KeyConfig:
        """The first of the keys that the relay's copy has, too; where it has no copy, the first."""
        try:
            relayed = repeat(
                lambda: self._transport.attempt("GET", "/", None, deadline), self._relay_url, "/", deadline
            )
        except DeadlineError:
            raise
        except CloudError as error:
            _log.warning("warning: the gateway's key was not compared with a copy of the relay's: %s", error)
            return self._configs[0]
        return _common([self._configs, _read(relayed)])[0]


def _read(content: bytes) -> tuple[ohttp.KeyConfig, ...]:
    try:
        return ohttp.read_configs(content)
    except ohttp.ObliviousError as error:
        raise CloudError(f"the gateway's key cannot be used: {error}") from error


def _common(copies: list[tuple[ohttp.KeyConfig, ...]]) -> tuple[ohttp.KeyConfig, ...]:
    """The keys that all copies have. Raises CloudError if there are none."""
    found = tuple(config for config in copies[0] if all(config in copy for copy in copies[1:]))
    if not found:
        own, other = (", ".join(config.fingerprint for config in copy) for copy in (copies[0], copies[-1]))
        raise CloudError(
            f"the copies of the gateway's key differ: SHA-256 {own} here, {other} from elsewhere. It was replaced, "
            "or each client gets a key of its own, by which it is known; nothing was sent. Take a newer bundle, or "
            "compare the fingerprints with the operator's"
        )
    return found


def _their_date(status: int, headers: dict[str, str], answer: bytes) -> float | None:
    """The gateway's time, if it refused a request for its Date."""
    if status != 400 or "date" not in headers:
        return None
    try:
        problem = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    is_date = isinstance(problem, dict) and problem.get("type") == ohttp.DATE_PROBLEM
    return read_date(headers["date"]) if is_date else None
