"""How an address is written."""

from __future__ import annotations


def at(host: str, port: int | None) -> str:
    """`HOST:PORT`, with the brackets that an IPv6 address needs in front of a port."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
