"""Messages through an Oblivious HTTP relay: the cloud does not see who asks, the relay not what."""

from __future__ import annotations

from serving.edge.errors import BadAnswerError, CloudError
from serving.edge.transport import Deadline, Transport
from serving.protocol import ohttp


class ObliviousTransport:
    """Stands in for a `Transport`; every message is sealed for the gateway and padded to one size.

    Args:
        relay_url: The relay, `http(s)://HOST:PORT`.
        key_config: The gateway's key configuration (`application/ohttp-keys`), from a source that is not the relay.
        token: Bearer token for the cloud, or None; it is sealed too. One that only this client has tells who asks.
        ca_file: PEM file of the authority that signed the relay's certificate (default: the system's).

    Raises:
        CloudError: If the URL is none, or the key configuration offers no suite that is known here.
    """

    def __init__(self, relay_url: str, key_config: bytes, token: str | None = None, ca_file: str | None = None) -> None:
        try:
            self._config = ohttp.KeyConfig.from_bytes(key_config)
        except ohttp.ObliviousError as error:
            raise CloudError(f"the gateway's key cannot be used: {error}") from error
        self._transport = Transport(relay_url, None, ca_file)
        self._headers = {"content-type": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def post(self, path: str, body: bytes, deadline: Deadline) -> bytes:
        """The answer to one request, as of `Transport.post`; what is repeated are the same sealed bytes."""
        sealed = ohttp.Sealed(self._config, ohttp.write_request("POST", path, self._headers, body))
        content = self._transport.post("/", sealed.body, deadline, ohttp.REQUEST_TYPE)
        try:
            status, _, answer = ohttp.read_response(sealed.open(content))
        except ohttp.ObliviousError as error:
            raise BadAnswerError(f"the sealed answer cannot be read: {error}") from error
        if status != 200:
            text = answer[:500].decode("utf-8", "replace")
            raise CloudError(f"{path} was refused behind the gateway with HTTP {status}: {text}")
        return answer
