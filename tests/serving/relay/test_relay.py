"""The relay between clients and a gateway: real servers on real ports."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import threading
import time

import pytest
import urllib3
from starlette.responses import Response

from serving.protocol import bhttp, ohttp
from serving.protocol.limits import Limits
from serving.relay import __main__ as command
from serving.relay.batch import client_of
from serving.relay.relay import RelayOptions, make_app
from tests.serving.hostile import still_open, unfinished
from tests.serving.running import running

#: Looks like a request for key 1: X25519, HKDF-SHA256, AES-128-GCM.
SEALED = bytes.fromhex("01002000010001") + bytes(200)


def test_a_gateway_that_is_gone_is_told(key):
    with running(make_app(RelayOptions("http://127.0.0.1:9", wait_seconds=0.01))) as url:
        http = urllib3.PoolManager()
        sealed = ohttp.Sealed(key.config, bhttp.write_request("GET", "/", {}, b""))
        answer = http.request("POST", url, headers={"content-type": ohttp.REQUEST_TYPE}, body=sealed.body)
        assert answer.status == 502 and b"cannot be reached" in answer.data
        assert http.request("POST", url, headers={"content-type": "text/plain"}, body=b"x").status == 415


class _Seen:
    """Stands behind a relay as a gateway that writes down what arrives."""

    def __init__(self, key):
        self.key, self.arrived, self.asked = key, [], 0

    async def __call__(self, scope, receive, send):
        from starlette.requests import Request
        from starlette.responses import Response

        request = Request(scope, receive)
        body = await request.body()
        if request.method == "GET":
            self.asked += 1
            return await Response(self.key.config.to_bytes(), media_type=ohttp.KEYS_TYPE)(scope, receive, send)
        _, _, _, content = bhttp.read_request(self.key.open(body).request)
        self.arrived.append((dict(request.headers), len(body), content))
        return await Response(body, media_type=ohttp.RESPONSE_TYPE)(scope, receive, send)


class _Counted:
    """An application around another one, which tells when a request was taken whole."""

    def __init__(self, application):
        self._application, self.taken = application, threading.Semaphore(0)

    async def __call__(self, scope, receive, send):
        async def tell():
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                self.taken.release()
            return message

        await self._application(scope, tell, send)


class _Clients:
    """Clients of a relay, each with an address of its own: 127.0.0.NUMBER."""

    def __init__(self, url, relay, key):
        self._url, self._relay, self._key = url, relay, key
        self._threads = concurrent.futures.ThreadPoolExecutor(40)

    def ask(self, client, content=b"", body=None, **headers):
        """Sends a request, and returns its future when the relay has it."""
        message = bhttp.write_request("POST", "/", {}, content)
        body = ohttp.Sealed(self._key.config, message).body if body is None else body
        asked = self._threads.submit(self._send, client, body, headers)
        assert self._relay.taken.acquire(timeout=20)
        return asked

    def _send(self, client, body, headers):
        http = urllib3.PoolManager(source_address=(f"127.0.0.{client}", 0), retries=False)
        headers = {"content-type": ohttp.REQUEST_TYPE, **headers}
        answer = http.request("POST", self._url, headers=headers, body=body, timeout=20)
        assert answer.status != 200 or answer.data == body  # each client gets its own answer
        return answer.status


@pytest.fixture
def seen(key):
    return _Seen(key)


@pytest.fixture
def between(seen, key):
    """Starts a relay; gives clients of it."""
    with contextlib.ExitStack() as stack:

        def start(**options):
            url = stack.enter_context(running(seen))
            relay = _Counted(make_app(RelayOptions(url, **{"wait_seconds": 60, **options})))
            return _Clients(stack.enter_context(running(relay)), relay, key)

        yield start


IDENTIFYING = {"cookie": "me", "x-forwarded-for": "10.0.0.1", "user-agent": "mine", "via": "1.1 home", "forwarded": "x"}


def test_the_relay_tells_nothing_of_the_clients_and_shuffles_a_batch(between, seen):
    clients, asked = between(batch=16), []
    for number in range(32):
        # A batch leaves when it is whole, not one by one as requests come.
        assert number >= 16 or not seen.arrived
        asked.append(clients.ask(number + 1, b"%d" % number, **IDENTIFYING))
    assert [each.result() for each in asked] == [200] * 32
    for arrived, _, _ in seen.arrived:
        assert set(arrived) == {"host", "content-length", "content-type", "user-agent", "accept-encoding"}
        assert arrived["user-agent"] == "datamix-tf-relay"
    assert len({length for _, length, _ in seen.arrived}) == 1
    order = [int(content) for _, _, content in seen.arrived]
    assert sorted(order) == list(range(32)) and order != list(range(32))
    assert set(order[:16]) == set(range(16))


def test_a_batch_counts_clients_not_requests(between, seen):
    """One client sends 31 requests beside somebody else's one, under 31 names: they hide nothing, so nothing leaves."""
    clients = between(batch=3)
    asked = [clients.ask(1, b"mine")]
    asked += [clients.ask(2, b"junk", **{"x-forwarded-for": f"10.0.0.{number}"}) for number in range(31)]
    assert not seen.arrived and not any(each.done() for each in asked)
    asked.append(clients.ask(3, b"another"))
    assert {each.result() for each in asked} == {200} and len(seen.arrived) == 33


@pytest.mark.parametrize("body", [b"", b"x" * 200, b"\1\0\x20\0\1\0\1" + b"x" * 40], ids=["none", "other", "short"])
def test_bodies_that_cannot_be_sealed_wait_for_nobody(between, seen, body):
    clients = between(batch=2)
    waiting = clients.ask(1)
    assert clients.ask(2, body=body).result() == 400
    assert not waiting.done() and not seen.arrived
    clients.ask(3)
    assert waiting.result() == 200


def test_too_few_clients_are_refused_and_nothing_is_passed_on(between, seen):
    clients = between(batch=9, least_clients=3, wait_seconds=0.3)
    assert {each.result() for each in [clients.ask(1), clients.ask(1), clients.ask(2)]} == {503}
    assert not seen.arrived
    assert {each.result() for each in [clients.ask(client) for client in (1, 2, 3)]} == {200}


def test_all_clients_get_one_copy_of_the_keys(between, seen, key):
    clients, http = between(), urllib3.PoolManager()
    found = {http.request("GET", clients._url).data for _ in range(5)}
    assert found == {key.config.to_bytes()} and seen.asked == 1


def test_a_relay_has_one_gateway(between, seen):
    clients = between(batch=1)
    elsewhere = {"host": "other.example", "x-target": "https://other.example", "content-type": ohttp.REQUEST_TYPE}
    assert clients.ask(1, **elsewhere).result() == 200 and "other" not in seen.arrived[0][0]["host"]
    assert urllib3.PoolManager().request("POST", clients._url + "/other", headers=elsewhere).status == 404


@pytest.mark.parametrize(
    "host, client",
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:9::9", "2001:db8:1:2::/64"),
        (None, ""),
        ("name", "name"),
    ],
)
def test_an_address_that_counts(host, client):
    assert client_of(host) == client


@pytest.mark.parametrize(
    "flags, said",
    [
        (["--gateway_url", "http://cloud:8501"], "PLAIN HTTP to the clients (--ssl_certificate) and the gateway"),
        (["--gateway_url", "https://cloud:8501"], "PLAIN HTTP to the clients (--ssl_certificate):"),
        (["--gateway_url", "http://cloud:8501", "--ssl_certificate", "x"], "PLAIN HTTP to the gateway"),
        (["--gateway_url", "https://cloud:8501", "--ssl_certificate", "x"], ""),
    ],
)
def test_plain_http_is_told_when_the_relay_begins(monkeypatch, capsys, flags, said):
    monkeypatch.setattr(command, "_relay", lambda *_: None)
    assert command.main(flags) == 0
    told = capsys.readouterr().err
    assert said in told and ("PLAIN HTTP" in told) == bool(said)


def test_flags_that_cannot_be_met(capsys):
    assert command.main(["--gateway_url", "https://cloud", "--batch", "2", "--least_clients", "3"]) == 2
    assert "error: --least_clients must be at most --batch (2)" in capsys.readouterr().err


def test_those_who_ask_for_keys_hold_nobody_up(key):
    """64 ask at once, the gateway takes its time: it is asked once, and sealed requests go through meanwhile."""
    asked, go_on = [], threading.Event()

    async def gateway(scope, receive, send):
        if scope["method"] == "GET":
            asked.append(scope)
            await asyncio.to_thread(go_on.wait, 20)
        await Response(b"answer", media_type=ohttp.RESPONSE_TYPE)(scope, receive, send)

    http = urllib3.PoolManager(maxsize=80)
    with running(gateway) as url, running(make_app(RelayOptions(url, wait_seconds=0.01))) as relay:
        with concurrent.futures.ThreadPoolExecutor(64) as threads:
            waiting = [threads.submit(http.request, "GET", relay, timeout=20) for _ in range(64)]
            while not asked:
                time.sleep(0.01)
            sent = {"headers": {"content-type": ohttp.REQUEST_TYPE}, "body": SEALED, "timeout": 10}
            assert http.request("POST", relay, **sent).data == b"answer"
            assert not any(each.done() for each in waiting)
            go_on.set()
            assert {each.result().data for each in waiting} == {b"answer"}
        assert http.request("GET", relay).data == b"answer" and len(asked) == 1


def test_keys_that_were_not_to_be_had_are_asked_for_again(key):
    statuses = [503, 200]

    async def gateway(scope, receive, send):
        await Response(b"", statuses.pop(0))(scope, receive, send)

    with running(gateway) as url, running(make_app(RelayOptions(url))) as relay:
        assert urllib3.request("GET", relay).status == 503
        end = time.monotonic() + 10
        while (status := urllib3.request("GET", relay).status) == 503 and time.monotonic() < end:
            time.sleep(0.1)
    assert status == 200 and not statuses


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 502)])
def test_an_answer_that_is_too_large_is_not_passed_on(size, status):
    async def gateway(scope, receive, send):
        await Response(bytes(size))(scope, receive, send)

    options = RelayOptions("", limits=Limits(max_body_bytes=1000), wait_seconds=0.01)
    with running(gateway) as url, running(make_app(dataclasses.replace(options, gateway_url=url))) as relay:
        answer = urllib3.request("POST", relay, headers={"content-type": ohttp.REQUEST_TYPE}, body=SEALED)
    assert answer.status == status and (status == 200 or b"more than 1000 bytes" in answer.data)


def test_the_relay_takes_the_cloud_s_limits():
    """Size, budget, time: bodies beyond each are refused."""
    limits = Limits(max_body_bytes=1000, max_inflight_bytes=1500, read_seconds=1.0)
    app = make_app(RelayOptions("http://127.0.0.1:9", wait_seconds=2.5, limits=limits))
    kind = {"headers": {"content-type": ohttp.REQUEST_TYPE}, "retries": False, "timeout": 20}
    with running(app, read_seconds=1.0) as url, concurrent.futures.ThreadPoolExecutor() as threads:
        assert urllib3.request("POST", url, body=bytes(1001), **kind).status == 413
        waits = threads.submit(urllib3.request, "POST", url, body=SEALED.ljust(1000), **kind)
        time.sleep(0.3)
        assert urllib3.request("POST", url, body=SEALED.ljust(1000), **kind).status == 429
        with unfinished(url, "/", ohttp.REQUEST_TYPE, 3, 100) as sockets:
            assert still_open(sockets, 4) == 0
        assert waits.result().status == 502
