"""The HTTP server under all applications: where a request ends, and what one connection may cost."""

import asyncio
import concurrent.futures
import json
import subprocess
import sys
import time

import psutil
import pytest
import urllib3
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.serving_process import free_port, server_process
from serving.protocol import bhttp, ohttp
from serving.protocol.dates import write_date
from tests.serving.cloud.test_command import make_certificate
from tests.serving.deployments import deploy_half_plus_three
from tests.serving.hostile import silent, still_open
from tests.serving.raw_http import UPGRADES, answers, connection, head, post_with_upgrade
from tests.serving.running import running

PREDICT = "/v1/models/half_plus_three:predict"
HIDDEN = b"GET /v1/models/half_plus_three HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """Server with gateway, and relay, as processes of their own: the server's URL, the relay's, the gateway's key."""
    folder = tmp_path_factory.mktemp("http")
    base, key = deploy_half_plus_three(str(folder)), str(folder / "key")
    with server_process(base, "--oblivious_key_file", key) as (process, url, _):
        port = free_port()
        command = [sys.executable, "-m", "serving.relay", "--gateway_url", url, "--port", str(port), "--wait_ms", "1"]
        relay = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            assert relay.stdout.readline()
            (config,) = ohttp.read_configs(urllib3.request("GET", url + ohttp.GATEWAY_PATH).data)
            relay_url = f"http://127.0.0.1:{port}"
            assert urllib3.request("GET", relay_url, retries=20).status == 200  # it listens
            yield process, url, relay_url, config
        finally:
            relay.kill()
            relay.wait()


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("upgrade", UPGRADES)
def test_the_server_reads_the_body_of_a_request_that_would_upgrade(processes, upgrade, late):
    _, url, _, _ = processes
    body = b'{"instances": [1.0, 2.0, 5.0]}'
    ((status, answer),) = post_with_upgrade(url, PREDICT, body, upgrade, late)
    assert status == 200 and json.loads(answer) == {"predictions": [3.5, 4.0, 5.5]}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("upgrade", UPGRADES)
def test_no_request_within_a_request(processes, upgrade, late):
    """Server, gateway and relay answer the outer request alone, and refuse what they cannot read."""
    _, url, relay, _ = processes
    for where, path, kind, refusal in (
        (url, PREDICT, "application/json", 400),
        (url, ohttp.GATEWAY_PATH, ohttp.REQUEST_TYPE, 422),
        (relay, "/", ohttp.REQUEST_TYPE, 400),
    ):
        found = post_with_upgrade(where, path, HIDDEN, upgrade, late, **{"Content-Type": kind})
        assert [status for status, _ in found] == [refusal], (where, path, found)


@pytest.mark.parametrize("late", [False, True])
def test_gateway_and_relay_read_sealed_bodies_of_requests_that_would_upgrade(processes, late):
    _, url, relay, config = processes
    for where, path in ((url, ohttp.GATEWAY_PATH), (relay, "/")):
        headers = {"date": write_date(time.time())}
        sealed = ohttp.Sealed(config, bhttp.write_request("POST", PREDICT, headers, b'{"instances": [1.0]}'))
        ((status, answer),) = post_with_upgrade(
            where, path, sealed.body, "h2c", late, **{"Content-Type": ohttp.REQUEST_TYPE}
        )
        assert status == 200 and bhttp.read_response(sealed.open(answer))[2] == b'{"predictions":[3.5]}'


def test_chunked_bodies_and_the_next_request_survive_an_upgrade_header(processes):
    _, url, _, _ = processes
    body = b'{"instances": [1.0]}'
    with connection(url) as opened:
        opened.sendall(head(PREDICT, None, Connection="Upgrade", Upgrade="h2c", **{"Transfer-Encoding": "chunked"}))
        opened.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) + HIDDEN)
        found = answers(opened)
    assert [status for status, _ in found] == [200, 200]
    assert b"predictions" in found[0][1] and b"model_version_status" in found[1][1]


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_request_that_ends_in_two_ways_is_refused_and_the_connection_closed(processes, version):
    _, url, _, _ = processes
    start = head(PREDICT, 5, **{"Transfer-Encoding": "chunked"}).replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    with connection(url) as opened:
        opened.sendall(start + b"0\r\n\r\n" + HIDDEN)
        found = answers(opened)
    assert [status for status, _ in found] == [400]


def test_connect_opens_no_tunnel(processes):
    _, url, _, _ = processes
    with connection(url) as opened:
        opened.sendall(b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n")
        time.sleep(0.2)
        opened.sendall(HIDDEN)
        found = answers(opened)
    assert 400 <= found[0][0] < 500 and b"SSH" not in b"".join(body for _, body in found)


def test_a_flood_of_requests_on_one_connection_is_left_in_the_kernel(processes):
    """What a client sends before it was answered must not gather in the server."""
    process, url, _, _ = processes
    body = b'{"instances": [' + b",".join([b"1.5"] * 1000) + b"]}"
    before = psutil.Process(process.pid).memory_info().rss
    with connection(url) as opened:
        opened.settimeout(0.2)
        sent, end = 0, time.monotonic() + 3
        while time.monotonic() < end:
            try:
                sent += opened.send(head(PREDICT, len(body)) + body)
            except TimeoutError:
                break
            except ConnectionResetError:
                break
        grown = psutil.Process(process.pid).memory_info().rss - before
    assert sent > 1 << 20
    assert grown < 48 << 20  # two parser threads, the allocator; a server that reads on gathers 100 MiB in this time


async def _length(request: Request):
    return JSONResponse({"bytes": len(await request.body())})


def test_a_head_that_dawdles_ends_the_connection_and_a_body_may_be_large():
    application = Starlette(routes=[Route("/", _length, methods=["POST"])])
    with running(application, read_seconds=1.0) as url:
        with connection(url) as silent, connection(url) as slow:
            slow.sendall(b"POST / HTTP/1.1\r\nX-Slow: ")
            time.sleep(1.5)
            assert answers(silent) == answers(slow) == []
        assert json.loads(urllib3.request("POST", url, body=bytes(3 << 20)).data) == {"bytes": 3 << 20}


async def _early(scope, receive, send):
    """Answers without a look at the body."""
    await JSONResponse({"error": "no"}, 404)(scope, receive, send)


def test_a_body_that_never_ends_after_an_early_answer_ends_the_connection():
    with running(_early, read_seconds=1.0) as url, connection(url) as opened:
        opened.sendall(head("/", 10**6))
        started = time.monotonic()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() - started < 10:
                opened.sendall(b"a")
                time.sleep(0.1)
        assert 0.5 < time.monotonic() - started < 5


def test_a_connection_goes_on_when_the_body_ends_after_an_early_answer():
    with running(_early, read_seconds=1.0) as url, connection(url) as opened:
        opened.sendall(head("/", 4))
        time.sleep(0.6)
        opened.sendall(b"body")
        time.sleep(0.7)
        opened.sendall(head("/", 0))
        assert [status for status, _ in answers(opened)] == [404, 404]


def test_a_connection_goes_on_when_the_next_request_comes_with_the_end_of_the_body():
    """Twice: the clock of a body ends with its request, not with the next one's."""
    with running(_early, read_seconds=1.0) as url, connection(url) as opened:
        opened.sendall(head("/", 4))
        for _ in range(2):
            time.sleep(0.2)
            opened.sendall(b"body" + head("/", 4))
        time.sleep(0.2)
        opened.sendall(b"body")
        time.sleep(1.5)
        opened.sendall(head("/", 0))
        assert [status for status, _ in answers(opened)] == [404] * 4


def test_of_far_too_many_connections_the_last_are_closed_at_once():
    with running(_early, read_seconds=20, max_connections=4) as url, silent(url, 20) as sockets:
        assert still_open(sockets[8:], 5) == 0 and still_open(sockets[:8], 0.2) == 8


def test_a_request_that_is_cut_off_when_the_server_stops_may_be_tried_again():
    async def slow(scope, receive, send):
        await asyncio.sleep(60)

    with concurrent.futures.ThreadPoolExecutor() as threads:
        with running(slow, drain_seconds=0.2) as url:
            asked = threads.submit(urllib3.request, "GET", url, retries=False)
            time.sleep(0.3)
        answer = asked.result()
    assert answer.status == 503 and "try again" in answer.json()["error"] and answer.headers["connection"] == "close"


def test_a_request_that_takes_more_memory_than_there_is_is_too_large():
    async def greedy(scope, receive, send):
        raise MemoryError

    with running(greedy) as url:
        answer = urllib3.request("GET", url, retries=False)
    assert answer.status == 413 and "fewer rows" in answer.json()["error"]


def test_a_handshake_of_tls_must_come_in_time(tmp_path):
    certificate, key = make_certificate(tmp_path)
    with running(_early, read_seconds=0.5, ssl_certfile=certificate, ssl_keyfile=key) as url, silent(url, 3) as sockets:
        assert still_open(sockets, 5) == 0
