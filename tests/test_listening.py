"""What tells who listens notices a port for other machines, in whatever way it is written."""

import os
import socket
import time

import pytest

from tests.listening import beyond_loopback, watched_ports


@pytest.mark.parametrize(
    ("address", "family", "noticed"),
    [
        ("127.0.0.1", socket.AF_INET, False),
        ("127.1.2.3", socket.AF_INET, False),
        ("::1", socket.AF_INET6, False),
        ("::ffff:127.0.0.1", socket.AF_INET6, False),
        ("0.0.0.0", socket.AF_INET, True),
        ("::", socket.AF_INET6, True),
    ],
)
def test_ports_for_other_machines_are_noticed(address, family, noticed):
    try:
        opened = socket.create_server((address, 0), family=family, dualstack_ipv6=False)
    except OSError:
        pytest.skip(f"this machine has no {address}")
    with opened, watched_ports() as beyond:
        port = opened.getsockname()[1]
        assert (port in {port for _, port in beyond_loopback(os.getpid())}) is noticed
        end = time.monotonic() + (5 if noticed else 0.3)
        while port not in {port for _, port in beyond} and time.monotonic() < end:
            time.sleep(0.05)
    assert (port in {port for _, port in beyond}) is noticed
