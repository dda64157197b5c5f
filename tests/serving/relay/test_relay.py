"""The relay between clients and a gateway: real servers on real ports."""

import asyncio
import concurrent.futures
import dataclasses
import threading
import time

import pytest
import urllib3
from starlette.responses import Response

from serving.protocol import ohttp
from serving.protocol.limits import Limits
from serving.relay.relay import RelayOptions, make_app
from tests.serving.hostile import still_open, unfinished
from tests.serving.running import running

#: Looks like a request for key 1: X25519, HKDF-SHA256, AES-128-GCM.
SEALED = bytes.fromhex("01002000010001") + bytes(200)


def test_a_gateway_that_is_gone_is_told(key):
    with running(make_app(RelayOptions("http://127.0.0.1:9", wait_seconds=0.01))) as url:
        http = urllib3.PoolManager()
        sealed = ohttp.Sealed(key.config, ohttp.write_request("GET", "/", {}, b""))
        answer = http.request("POST", url, headers={"content-type": ohttp.REQUEST_TYPE}, body=sealed.body)
        assert answer.status == 502 and b"cannot be reached" in answer.data
        assert http.request("POST", url, headers={"content-type": "text/plain"}, body=b"x").status == 415


class _Seen:
    """Stands behind a relay as a gateway that writes down what arrives."""

    def __init__(self, key):
        self.key, self.arrived = key, []

    async def __call__(self, scope, receive, send):
        from starlette.requests import Request
        from starlette.responses import Response

        request = Request(scope, receive)
        body = await request.body()
        _, _, _, content = ohttp.read_request(self.key.open(body)[0])
        self.arrived.append((dict(request.headers), len(body), content, time.monotonic()))
        await Response(body, media_type=ohttp.RESPONSE_TYPE)(scope, receive, send)


def test_the_relay_tells_nothing_of_the_clients_and_shuffles_a_batch(key):
    seen, taken = _Seen(key), threading.Semaphore(0)
    http = urllib3.PoolManager(maxsize=32)
    headers = {"content-type": ohttp.REQUEST_TYPE, "cookie": "me", "x-forwarded-for": "10.0.0.1", "user-agent": "mine"}

    def ask(number):
        sealed = ohttp.Sealed(key.config, ohttp.write_request("POST", "/", {}, b"%d" % number))
        answer = http.request("POST", relay_url, headers=headers, body=sealed.body, timeout=20)
        assert answer.data == sealed.body  # each client gets its own answer

    def counted(app):
        """The app, which tells when it has taken a request whole."""

        async def call(scope, receive, send):
            async def tell():
                message = await receive()
                if message["type"] == "http.request" and not message.get("more_body"):
                    taken.release()
                return message

            await app(scope, tell, send)

        return call

    with (
        running(seen) as url,
        running(counted(make_app(RelayOptions(url, batch=16, wait_seconds=60)))) as relay_url,
        concurrent.futures.ThreadPoolExecutor(32) as threads,
    ):
        asked = []
        for number in range(32):
            # A batch leaves when it is whole, not one by one as requests come.
            assert number >= 16 or not seen.arrived
            asked.append(threads.submit(ask, number))
            assert taken.acquire(timeout=20)
        for each in asked:
            each.result()
    assert len(seen.arrived) == 32
    for arrived, _, _, _ in seen.arrived:
        assert not {"cookie", "x-forwarded-for", "forwarded", "via"} & set(arrived)
        assert arrived["user-agent"] == "datamix-tf-relay"
    assert len({length for _, length, _, _ in seen.arrived}) == 1
    order = [int(content) for _, _, content, _ in seen.arrived]
    assert sorted(order) == list(range(32)) and order != list(range(32))
    assert set(order[:16]) == set(range(16))


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
