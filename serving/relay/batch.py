"""Requests that wait for others to hide among, and leave together in a random order."""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Batch(Generic[Item]):
    """Waits until enough clients have asked, or for a while.

    Clients are counted, not requests: one client's thousand requests hide nobody. Who has many addresses counts as
    many.

    Args:
        leave: Called with what leaves, in a random order, and with how many clients it is from.
        clients: How many clients make a batch whole.
        wait_seconds: Longest time that a request waits for others.
    """

    def __init__(self, leave: Callable[[list[Item], int], None], clients: int, wait_seconds: float) -> None:
        self._leave_with, self._clients, self._wait_seconds = leave, clients, wait_seconds
        self._waiting: list[Item] = []
        self._from: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._random = random.SystemRandom()

    def add(self, item: Item, client: str) -> None:
        """Adds what a client asked; everything leaves if that makes the batch whole."""
        self._waiting.append(item)
        self._from.add(client)
        if len(self._from) >= self._clients:
            self._leave()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._wait_seconds, self._leave)

    def _leave(self) -> None:
        if self._timer:
            self._timer.cancel()
        together, clients = self._waiting, len(self._from)
        self._waiting, self._from, self._timer = [], set(), None
        self._random.shuffle(together)
        self._leave_with(together, clients)


def client_of(host: str | None) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which one household has."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return host or ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return str(address)
