"""Oblivious HTTP: requests that the gateway can read but not trace, and the relay can trace but not read.

The client seals each request for the gateway's public key (HPKE); a relay passes it on without the client's address;
the gateway, in front of the cloud, opens it and seals the answer. Both sides of the format are here; what is sealed is
binary HTTP (`serving.protocol.bhttp`).

Reference: RFC 9458 (Oblivious HTTP), RFC 9180 (HPKE).
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import struct
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, PyHPKEError

REQUEST_TYPE, RESPONSE_TYPE, KEYS_TYPE = "message/ohttp-req", "message/ohttp-res", "application/ohttp-keys"
GATEWAY_PATH = "/.well-known/ohttp-gateway"
#: Problem types (RFC 9458, sections 5.3 and 6.5.2), and that of errors whose status says it all.
KEY_PROBLEM = "https://iana.org/assignments/http-problem-types#ohttp-key"
DATE_PROBLEM = "https://iana.org/assignments/http-problem-types#date"
NO_TYPE = "about:blank"
KEM, KDF, AEAD = KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES128_GCM
KEY_BYTES, NONCE_BYTES, ENCAPSULATED_BYTES, TAG_BYTES = 16, 12, 32, 16
_HEADER = struct.Struct(">BHHH")
_SMALLEST = _HEADER.size + ENCAPSULATED_BYTES + TAG_BYTES
_REQUEST_LABEL, _RESPONSE_LABEL = b"message/bhttp request", b"message/bhttp response"


class ObliviousError(ValueError):
    """A message that cannot be opened or read."""


class KeyProblemError(ObliviousError):
    """A request that was sealed for another key than the gateway has."""


@dataclasses.dataclass(frozen=True)
class KeyConfig:
    """The gateway's public key, as clients get it.

    Attributes:
        key_id: Which of the gateway's keys it is, 0 to 255.
        public_key: X25519, 32 bytes.
    """

    key_id: int
    public_key: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the configuration, as people compare it; also that of a file with this configuration alone."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """One key configuration of `application/ohttp-keys`, with its length in front."""
        config = (
            struct.pack(">BH", self.key_id, KEM.value) + self.public_key + struct.pack(">HHH", 4, KDF.value, AEAD.value)
        )
        return struct.pack(">H", len(config)) + config


def read_configs(content: bytes) -> tuple[KeyConfig, ...]:
    """The key configurations of `application/ohttp-keys` that can be used here, in their order.

    A collection with any fault is refused whole: clients that each recovered another part of it could be told apart
    (RFC 9458, section 3.2).

    Raises:
        ObliviousError: If it is wrongly encoded, or offers no suite that is known here.
    """
    found, at = [], 0
    try:
        while at < len(content):
            (length,) = struct.unpack_from(">H", content, at)
            config = content[at + 2 : at + 2 + length]
            if len(config) < length:
                raise struct.error("it is cut off")
            found += _read_config(config)
            at += 2 + length
    except struct.error as error:
        raise ObliviousError(f"expected key configurations, received {len(content)} bytes: {error}") from None
    if not found:
        raise ObliviousError("expected a key for X25519, HKDF-SHA256 and AES-128-GCM; the gateway offers another")
    return tuple(found)


def _read_config(config: bytes) -> list[KeyConfig]:
    """A configuration, or nothing if it is for a suite that is not known here. Raises struct.error if it is none."""
    key_id, kem = struct.unpack_from(">BH", config)
    if kem != KEM.value:  # how long its key is, only those know who know it
        return []
    public_key = config[3 : 3 + ENCAPSULATED_BYTES]
    (size,) = struct.unpack_from(">H", config, 3 + ENCAPSULATED_BYTES)
    algorithms = config[5 + ENCAPSULATED_BYTES :]
    if size != len(algorithms) or size % 4 or not size:
        raise struct.error(f"expected {size} bytes of algorithms, received {len(algorithms)}")
    known = (KDF.value, AEAD.value) in struct.iter_unpack(">HH", algorithms)
    return [KeyConfig(key_id, public_key)] if known else []


def looks_sealed(body: bytes) -> bool:
    """Whether a body can be a sealed request, as far as whoever has no key can tell."""
    return len(body) >= _SMALLEST and _HEADER.unpack_from(body)[1:] == (KEM.value, KDF.value, AEAD.value)


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


@dataclasses.dataclass(frozen=True)
class Opened:
    """A request that a gateway opened.

    Attributes:
        request: Its binary HTTP.
        encapsulated: What every request has another of (RFC 9458, section 6.5).
        seal: Seals the binary HTTP of its answer.
    """

    request: bytes
    encapsulated: bytes
    seal: Callable[[bytes], bytes]


class GatewayKey:
    """A private key of the gateway.

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

    def open(self, body: bytes) -> Opened:
        """Opens a sealed request.

        Raises:
            KeyProblemError: If it was sealed for another key or changed.
            ObliviousError: If it is too short for one.
        """
        if len(body) < _SMALLEST:
            raise ObliviousError(f"expected a sealed request, received {len(body)} bytes")
        header, encapsulated = body[: _HEADER.size], body[_HEADER.size : _HEADER.size + ENCAPSULATED_BYTES]
        if _HEADER.unpack(header) != (self.config.key_id, KEM.value, KDF.value, AEAD.value):
            raise KeyProblemError("the request was sealed for another key; fetch the gateway's key configuration again")
        try:
            context = self._suite.create_recipient_context(encapsulated, self._key, _REQUEST_LABEL + b"\0" + header)
            request = context.open(body[_HEADER.size + ENCAPSULATED_BYTES :])
        except (PyHPKEError, ValueError) as error:
            raise KeyProblemError("the request cannot be opened: it was changed, or sealed for another key") from error

        def seal(response: bytes) -> bytes:
            nonce = os.urandom(KEY_BYTES)
            return nonce + _ResponseCipher(context, encapsulated, nonce).seal(response)

        return Opened(request, encapsulated, seal)


class GatewayKeys:
    """The keys that a gateway takes: while one replaces another, both.

    Args:
        keys: With different ids; the first is the one that clients should use.

    Raises:
        ValueError: If there is none, or two have one id.
    """

    def __init__(self, keys: Sequence[GatewayKey]) -> None:
        self._keys = {key.config.key_id: key for key in keys}
        if not keys or len(self._keys) < len(keys):
            raise ValueError(f"expected keys of different ids, received {[key.config.key_id for key in keys]}")

    @property
    def configs(self) -> tuple[KeyConfig, ...]:
        """Their public halves, the one to use first."""
        return tuple(key.config for key in self._keys.values())

    def to_bytes(self) -> bytes:
        """Their public halves as `application/ohttp-keys`."""
        return b"".join(config.to_bytes() for config in self.configs)

    def open(self, body: bytes) -> Opened:
        """Opens a request with the key whose id it names, as `GatewayKey.open`; no other key is tried."""
        key = self._keys.get(body[0]) if body else None
        return (key or next(iter(self._keys.values()))).open(body)


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


def _suite() -> CipherSuite:
    return CipherSuite.new(KEM, KDF, AEAD)
