"""The relay between clients and a gateway: real servers on real ports."""

import concurrent.futures
import threading
import time

import urllib3

from serving.protocol import bhttp, ohttp
from serving.relay.relay import RelayOptions, make_app
from tests.serving.running import running


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
        self.key, self.arrived = key, []

    async def __call__(self, scope, receive, send):
        from starlette.requests import Request
        from starlette.responses import Response

        request = Request(scope, receive)
        body = await request.body()
        _, _, _, content = bhttp.read_request(self.key.open(body)[0])
        self.arrived.append((dict(request.headers), len(body), content, time.monotonic()))
        await Response(body, media_type=ohttp.RESPONSE_TYPE)(scope, receive, send)


def test_the_relay_tells_nothing_of_the_clients_and_shuffles_a_batch(key):
    seen, taken = _Seen(key), threading.Semaphore(0)
    http = urllib3.PoolManager(maxsize=32)
    headers = {"content-type": ohttp.REQUEST_TYPE, "cookie": "me", "x-forwarded-for": "10.0.0.1", "user-agent": "mine"}

    def ask(number):
        sealed = ohttp.Sealed(key.config, bhttp.write_request("POST", "/", {}, b"%d" % number))
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
