"""What queries may cost the demo, whatever answers them."""

import concurrent.futures
import json
import threading
import time

import pytest
import urllib3

from pipeline.demo import app
from pipeline.demo.page import Page
from serving.protocol.limits import Limits
from tests.serving.hostile import still_open, unfinished
from tests.serving.running import running

SIZE, TOKEN = 1 << 20, "known"
QUERY = f"/api/query?token={TOKEN}"


@pytest.fixture
def demo(monkeypatch):
    """A demo that answers when it is told to; yields its URL, how many queries were answered at once, what tells it."""
    monkeypatch.setattr(app, "LIMITS", Limits(max_body_bytes=SIZE, max_inflight_bytes=4 * SIZE, read_seconds=1.0))
    lock, at_once, most, go_on = threading.Lock(), [], [0], threading.Event()

    def handle(query):
        with lock:
            at_once.append(query)
            most[0] = max(most[0], len(at_once))
        assert go_on.wait(20)
        with lock:
            at_once.pop()
        return {"count": query["examples"]}

    ready = concurrent.futures.Future()
    ready.set_result(None)
    with running(app.make_app(Page("", {}), handle, ready, None, TOKEN), read_seconds=1.0) as url:
        yield url, most, go_on


def ask(url, body):
    return urllib3.request("POST", f"{url}{QUERY}", body=body, headers={"origin": url}, retries=False, timeout=20)


def test_queries_are_taken_one_by_one_and_count_until_they_are_answered(demo):
    url, most, go_on = demo
    body = json.dumps({"examples": 3}).encode().ljust(SIZE)
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        asked = [threads.submit(ask, url, body) for _ in range(20)]
        concurrent.futures.wait(asked, timeout=10, return_when=concurrent.futures.FIRST_COMPLETED)
        time.sleep(0.5)
        go_on.set()
        statuses = [each.result().status for each in asked]
    assert most == [1] and statuses.count(200) == 4 and statuses.count(429) == 16
    assert ask(url, body).json() == {"count": 3}


def test_queries_beyond_the_limits_are_refused(demo):
    url, _, go_on = demo
    go_on.set()
    assert ask(url, bytes(SIZE + 1)).status == 413
    assert ask(url, b'{"files": [' + b"[]," * (SIZE // 3 - 10) + b"[]]}").status == 413
    with unfinished(url, QUERY, "application/json", 10, SIZE // 2, origin="http://127.0.0.1") as sockets:
        assert still_open(sockets, 5) == 0
