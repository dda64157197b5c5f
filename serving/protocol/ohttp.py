"""Oblivious HTTP: requests that the gateway can read but not trace, and the relay can trace but not read.

The client seals each request for the gateway's public key (HPKE); a relay passes it on without the client's address;
the gateway, in front of the cloud, opens it and seals the answer. Both sides of the format are here.

Reference: RFC 9458 (Oblivious HTTP), RFC 9292 (binary HTTP, known length), RFC 9180 (HPKE).
"""

from __future__ import annotations

import dataclasses
import os
import struct
from collections.abc import Callable
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, PyHPKEError

REQUEST_TYPE, RESPONSE_TYPE, KEYS_TYPE = "message/ohttp-req", "message/ohttp-res", "application/ohttp-keys"
GATEWAY_PATH = "/.well-known/ohttp-gateway"
KEM, KDF, AEAD = KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES128_GCM
KEY_BYTES, NONCE_BYTES, ENCAPSULATED_BYTES = 16, 12, 32
PAD = 1024  # sealed messages are padded to multiples of this
_HEADER = struct.Struct(">BHHH")
_REQUEST_LABEL, _RESPONSE_LABEL = b"message/bhttp request", b"message/bhttp response"


class ObliviousError(ValueError):
    """A message that cannot be opened or read."""


@dataclasses.dataclass(frozen=True)
class KeyConfig:
    """The gateway's public key, as clients get it.

    Attributes:
        key_id: Which of the gateway's keys it is, 0 to 255.
        public_key: X25519, 32 bytes.
    """

    key_id: int
    public_key: bytes

    def to_bytes(self) -> bytes:
        """One key configuration of `application/ohttp-keys`, with its length in front."""
        config = (
            struct.pack(">BH", self.key_id, KEM.value) + self.public_key + struct.pack(">HHH", 4, KDF.value, AEAD.value)
        )
        return struct.pack(">H", len(config)) + config

    @classmethod
    def from_bytes(cls, content: bytes) -> KeyConfig:
        """Reads the first configuration. Raises ObliviousError if it offers no suite that is known here."""
        try:
            (length,) = struct.unpack_from(">H", content)
            key_id, kem = struct.unpack_from(">BH", content, 2)
            public_key = content[5 : 5 + ENCAPSULATED_BYTES]
            (size,) = struct.unpack_from(">H", content, 5 + ENCAPSULATED_BYTES)
            suites = [struct.unpack_from(">HH", content, 7 + ENCAPSULATED_BYTES + at) for at in range(0, size, 4)]
        except struct.error as error:
            raise ObliviousError(f"expected a key configuration, received {len(content)} bytes: {error}") from None
        if kem != KEM.value or (KDF.value, AEAD.value) not in suites or length > len(content) - 2:
            raise ObliviousError("expected a key for X25519, HKDF-SHA256 and AES-128-GCM; the gateway offers another")
        return cls(key_id, public_key)


class Sealed:
    """A request sealed by a client.

    Args:
        config: The gateway's `KeyConfig`.
        request: Binary HTTP.

    Attributes:
        body: What is sent; every sealing makes other bytes.
    """

    def __init__(self, config: KeyConfig, request: bytes, ephemeral: Any = None) -> None:
        suite = _suite()
        public = suite.kem.deserialize_public_key(config.public_key)
        header = _HEADER.pack(config.key_id, KEM.value, KDF.value, AEAD.value)
        self._encapsulated, self._context = suite.create_sender_context(
            public, _REQUEST_LABEL + b"\0" + header, eks=ephemeral
        )
        self.body = header + self._encapsulated + self._context.seal(request)

    def open(self, response: bytes) -> bytes:
        """The binary HTTP of an answer. Raises ObliviousError if it is no answer to this request."""
        nonce, sealed = response[:KEY_BYTES], response[KEY_BYTES:]
        try:
            return _ResponseCipher(self._context, self._encapsulated, nonce).open(sealed)
        except (PyHPKEError, ValueError) as error:
            raise ObliviousError("the answer cannot be opened: it was changed, or answers another request") from error


class GatewayKey:
    """The gateway's private key.

    Args:
        key_id: 0 to 255.
        private_key: X25519, 32 bytes; default: a fresh one.
    """

    def __init__(self, key_id: int = 1, private_key: bytes | None = None) -> None:
        self._suite = _suite()
        private_key = private_key or os.urandom(32)
        self._key = self._suite.kem.deserialize_private_key(private_key)
        public = X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()
        self.config = KeyConfig(key_id, public)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a gateway's key cannot be pickled or copied")

    def open(self, body: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
        """Opens a sealed request.

        Returns:
            `(request, seal)`: binary HTTP, and a function that seals the binary HTTP of its answer.

        Raises:
            ObliviousError: If it was sealed for another key or changed.
        """
        if len(body) < _HEADER.size + ENCAPSULATED_BYTES:
            raise ObliviousError(f"expected a sealed request, received {len(body)} bytes")
        header, encapsulated = body[: _HEADER.size], body[_HEADER.size : _HEADER.size + ENCAPSULATED_BYTES]
        if _HEADER.unpack(header) != (self.config.key_id, KEM.value, KDF.value, AEAD.value):
            raise ObliviousError("the request was sealed for another key; fetch the gateway's key configuration again")
        try:
            context = self._suite.create_recipient_context(encapsulated, self._key, _REQUEST_LABEL + b"\0" + header)
            request = context.open(body[_HEADER.size + ENCAPSULATED_BYTES :])
        except (PyHPKEError, ValueError) as error:
            raise ObliviousError("the request cannot be opened: it was changed, or sealed for another key") from error

        def seal(response: bytes) -> bytes:
            nonce = os.urandom(KEY_BYTES)
            return nonce + _ResponseCipher(context, encapsulated, nonce).seal(response)

        return request, seal


class _ResponseCipher:
    """AES-128-GCM under a key of one exchange (RFC 9458, section 4.4)."""

    def __init__(self, context: Any, encapsulated: bytes, nonce: bytes) -> None:
        secret = context.export(_RESPONSE_LABEL, KEY_BYTES)

        def derive(info: bytes, length: int) -> bytes:
            return HKDF(SHA256(), length, salt=encapsulated + nonce, info=info).derive(secret)

        self._cipher, self._nonce = AESGCM(derive(b"key", KEY_BYTES)), derive(b"nonce", NONCE_BYTES)

    def seal(self, content: bytes) -> bytes:
        return self._cipher.encrypt(self._nonce, content, None)

    def open(self, content: bytes) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce, content, None)
        except InvalidTag as error:
            raise ValueError("wrong tag") from error


def write_request(method: str, path: str, headers: dict[str, str], content: bytes, pad: int = PAD) -> bytes:
    """A request as binary HTTP of known length, padded with zeros to a multiple of `pad`."""
    control = b"".join(_text(part) for part in (method, "https", "", path))
    return _padded(_number(0) + control + _fields(headers) + _sized(content), pad)


def read_request(message: bytes) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and content of a request. Raises ObliviousError if it is none."""
    reader = _Reader(message)
    if reader.number() != 0:
        raise ObliviousError("expected a binary HTTP request of known length")
    method, _, _, path = (reader.sized().decode("ascii", "replace") for _ in range(4))
    return method, path, reader.fields(), reader.sized()


def write_response(status: int, headers: dict[str, str], content: bytes, pad: int = PAD) -> bytes:
    """An answer as binary HTTP of known length, padded with zeros to a multiple of `pad`."""
    return _padded(_number(1) + _number(status) + _fields(headers) + _sized(content), pad)


def read_response(message: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content of an answer. Raises ObliviousError if it is none."""
    reader = _Reader(message)
    if reader.number() != 1:
        raise ObliviousError("expected a binary HTTP answer of known length")
    status = reader.number()
    return status, reader.fields(), reader.sized()


class _Reader:
    """Reads numbers, texts and fields from a message that may end early: what is missing is empty (RFC 9292, 3.8)."""

    def __init__(self, message: bytes) -> None:
        self._message, self._at = message, 0

    def number(self) -> int:
        if self._at >= len(self._message):
            return 0
        length = 1 << (self._message[self._at] >> 6)
        part = self._message[self._at : self._at + length]
        if len(part) < length:
            raise ObliviousError("the message is cut off")
        self._at += length
        return int.from_bytes(part, "big") & ((1 << (8 * length - 2)) - 1)

    def sized(self) -> bytes:
        length = self.number()
        part = self._message[self._at : self._at + length]
        if len(part) < length:
            raise ObliviousError("the message is cut off")
        self._at += length
        return part

    def fields(self) -> dict[str, str]:
        inside, found = _Reader(self.sized()), {}
        while inside._at < len(inside._message):
            name = inside.sized().decode("latin-1").lower()
            found[name] = inside.sized().decode("latin-1")
        return found


def _suite() -> CipherSuite:
    return CipherSuite.new(KEM, KDF, AEAD)


def _number(value: int) -> bytes:
    """A variable-length integer of QUIC."""
    for prefix, length in ((0, 1), (1, 2), (2, 4), (3, 8)):
        if value < 1 << (8 * length - 2):
            return (value | prefix << (8 * length - 2)).to_bytes(length, "big")
    raise ObliviousError(f"expected a number below 2^62, received {value}")


def _sized(content: bytes) -> bytes:
    return _number(len(content)) + content


def _text(text: str) -> bytes:
    return _sized(text.encode("latin-1"))


def _fields(headers: dict[str, str]) -> bytes:
    return _sized(b"".join(_text(name.lower()) + _text(value) for name, value in headers.items()))


def _padded(message: bytes, pad: int) -> bytes:
    return message + bytes(-len(message) % pad)
