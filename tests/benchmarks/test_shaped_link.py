"""A shaped link takes as long as Eq. 1 says, and leaves nothing behind."""

import signal
import socket
import subprocess
import sys
import time

import pytest

from benchmarks import shaped_link
from datamix_tf.costs import transmission_seconds
from tests.conftest import REPOSITORY

needs_link = pytest.mark.skipif(bool(shaped_link.unavailable()), reason=shaped_link.unavailable())
ECHO = """
import socket, sys
server = socket.create_server((sys.argv[1], 9000))
print("up", flush=True)
connection, _ = server.accept()
file = connection.makefile("rb")
for line in file:
    up, down = map(int, line.split())
    file.read(up)
    connection.sendall(b"x" * down)
"""


def exchange(connection, up, down):
    begun = time.perf_counter()
    connection.sendall(b"%d %d\n" % (up, down) + b"y" * up)
    received = 0
    while received < down:
        received += len(connection.recv(1 << 20))
    return time.perf_counter() - begun


@needs_link
def test_latency_and_bandwidth_both_ways():
    with shaped_link.shaped_link() as link:
        device = link.device
        command = [*link.prefix, sys.executable, "-c", ECHO, link.cloud]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout.readline() == "up\n"
                with socket.create_connection((link.cloud, 9000)) as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    exchange(connection, 500_000, 500_000)  # opens TCP's window
                    assert 0.050 <= min(exchange(connection, 1, 1) for _ in range(5)) < 0.1
                    before = link.carried()
                    for up, down in ((1_000_000, 1), (1, 2_000_000)):
                        seconds = min(exchange(connection, up, down) for _ in range(2))
                        assert 0.95 < seconds / transmission_seconds(up, down) < 2
                    up, down = (after - earlier for after, earlier in zip(link.carried(), before, strict=True))
                    assert 2_000_000 < up < 2_400_000 and 4_000_000 < down < 4_600_000
            finally:
                process.kill()
    assert device not in _said("ip", "link")
    assert link.prefix[-1] not in _said("ip", "netns", "list").split()


@needs_link
def test_nothing_stays_behind_an_error():
    with pytest.raises(KeyError), shaped_link.shaped_link() as link:
        raise KeyError
    assert link.prefix[-1] not in _said("ip", "netns", "list").split()


@needs_link
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_behind_a_killed_process(how):
    code = """
import time
from benchmarks.shaped_link import shaped_link
with shaped_link() as link:
    print(link.prefix[-1], link.device, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        namespace, device = process.stdout.readline().split()
        process.send_signal(how)
    end = time.monotonic() + 10
    while device in _said("ip", "link") and time.monotonic() < end:
        time.sleep(0.05)
    assert device not in _said("ip", "link")
    with shaped_link.shaped_link():  # removes what SIGKILL left
        assert namespace not in _said("ip", "netns", "list").split()


def _said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_machine_that_cannot_says_why(monkeypatch):
    monkeypatch.setattr(shaped_link.os, "geteuid", lambda: 1000)
    with pytest.raises(shaped_link.NoLink, match="needs root"), shaped_link.shaped_link():
        pass
    monkeypatch.setattr(shaped_link.os, "geteuid", lambda: 0)
    monkeypatch.setattr(shaped_link.shutil, "which", lambda command: None if command == "tc" else "/sbin/ip")
    assert shaped_link.unavailable() == "a shaped link needs the command tc (package iproute2)"
