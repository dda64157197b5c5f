"""How an address is written, and shown to people without its password."""

from __future__ import annotations

import ipaddress
import re

_HIDDEN = "***"
#: A URL's user, and what stands between `:` and the last `@`; where the text is the URL alone, also blanks and quotes.
_PORT = r"(?!\d*[/?#])"
_IN_TEXT = re.compile(rf"([a-z][a-z0-9+.-]*://[^\s'\"/?#@:]*:){_PORT}[^\s'\"]*@", re.IGNORECASE)
_ALONE = re.compile(rf"((?:--\w+=)?[a-z][a-z0-9+.-]*://[^/?#@:]*:){_PORT}.*@", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(
    r"([?&;][^=&;\s'\"]*(?:pass|pwd|secret|token|key|credential|sig)[^=&;\s'\"]*=)[^&;#\s'\"]+", re.IGNORECASE
)


def at(host: str, port: int | None) -> str:
    """`HOST:PORT`, with the brackets that an IPv6 address needs in front of a port."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def masked(text: str) -> str:
    """A text whose URLs show no passwords: neither behind a user's name nor in parameters that are called like one.

    What is recorded, printed or sent elsewhere goes through this; `***` stands for what was there.
    """
    if alone := _ALONE.match(text):
        text = f"{alone[1]}{_HIDDEN}@{text[alone.end() :]}"
    else:
        text = _IN_TEXT.sub(rf"\1{_HIDDEN}@", text)
    return _PARAMETER.sub(rf"\1{_HIDDEN}", text)


def is_loopback(host: str) -> bool:
    """Whether a host, a name or an address without brackets, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
