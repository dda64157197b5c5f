"""What clients may cost a server: of size, of memory, of time, of connections. The same for all servers."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """Bounds of what clients may cost.

    Attributes:
        max_body_bytes: Largest request body, before and after decompression.
        max_inflight_bytes: Bytes of all bodies that are being read or answered; requests beyond are refused with 429.
        max_connections: Open connections; requests of more are refused with 503.
        read_seconds: Time in which a request's headers, and then its body, must arrive.
    """

    max_body_bytes: int = 32 << 20
    max_inflight_bytes: int = 128 << 20
    max_connections: int = 1024
    read_seconds: float = 20.0
