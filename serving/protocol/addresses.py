"""How an address is written."""

from __future__ import annotations

import ipaddress


def at(host: str, port: int | None) -> str:
    """`HOST:PORT`, with the brackets that an IPv6 address needs in front of a port."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a host, a name or an address without brackets, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
