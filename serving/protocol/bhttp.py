"""Binary HTTP: a request or an answer as one message of bytes, of known length.

Reference: RFC 9292.
"""

from __future__ import annotations

PAD = 1024  # messages are padded to multiples of this


class MessageError(ValueError):
    """A message that is no binary HTTP; the text says why."""


def write_request(method: str, path: str, headers: dict[str, str], content: bytes, pad: int = PAD) -> bytes:
    """A request as binary HTTP of known length, padded with zeros to a multiple of `pad`."""
    control = b"".join(_text(part) for part in (method, "https", "", path))
    return _padded(_number(0) + control + _fields(headers) + _sized(content), pad)


def read_request(message: bytes) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and content of a request. Raises MessageError if it is none."""
    reader = _Reader(message)
    if reader.number() != 0:
        raise MessageError("expected a binary HTTP request of known length")
    method, _, _, path = (reader.sized().decode("ascii", "replace") for _ in range(4))
    if not method or not path.startswith("/"):
        raise MessageError(f"expected a method and a path from / on, received {method!r} {path!r}")
    headers, content = reader.fields(), reader.sized()
    reader.end()
    return method, path, headers, content


def write_response(status: int, headers: dict[str, str], content: bytes, pad: int = PAD) -> bytes:
    """An answer as binary HTTP of known length, padded with zeros to a multiple of `pad`."""
    return _padded(_number(1) + _number(status) + _fields(headers) + _sized(content), pad)


def read_response(message: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content of an answer. Raises MessageError if it is none."""
    reader = _Reader(message)
    if reader.number() != 1:
        raise MessageError("expected a binary HTTP answer of known length")
    status = reader.number()
    headers, content = reader.fields(), reader.sized()
    reader.end()
    return status, headers, content


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
            raise MessageError("the message is cut off")
        self._at += length
        return int.from_bytes(part, "big") & ((1 << (8 * length - 2)) - 1)

    def sized(self) -> bytes:
        length = self.number()
        part = self._message[self._at : self._at + length]
        if len(part) < length:
            raise MessageError("the message is cut off")
        self._at += length
        return part

    def fields(self) -> dict[str, str]:
        inside, found = _Reader(self.sized()), {}
        while inside._at < len(inside._message):
            name = inside.sized().decode("latin-1").lower()
            found[name] = inside.sized().decode("latin-1")
        return found

    def end(self) -> None:
        """Reads trailers, which nobody needs, and padding, which must be zeros."""
        self.fields()
        if self._message[self._at :].strip(b"\0"):
            raise MessageError("expected zeros behind the message, received something else")


def _number(value: int) -> bytes:
    """A variable-length integer of QUIC."""
    for prefix, length in ((0, 1), (1, 2), (2, 4), (3, 8)):
        if value < 1 << (8 * length - 2):
            return (value | prefix << (8 * length - 2)).to_bytes(length, "big")
    raise MessageError(f"expected a number below 2^62, received {value}")


def _sized(content: bytes) -> bytes:
    return _number(len(content)) + content


def _text(text: str) -> bytes:
    return _sized(text.encode("latin-1"))


def _fields(headers: dict[str, str]) -> bytes:
    return _sized(b"".join(_text(name.lower()) + _text(value) for name, value in headers.items()))


def _padded(message: bytes, pad: int) -> bytes:
    return message + bytes(-len(message) % pad)
