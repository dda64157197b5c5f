"""Load and faults, against the server as a process. `make load` runs them at full size; `make test` runs less."""

import concurrent.futures
import contextlib
import gzip
import http.client
import itertools
import json
import os
import random
import shutil
import signal
import socket
import threading
import time

import keras
import numpy as np
import psutil
import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.serving_process import free_port, server_process
from components.pusher import push_saved_model
from serving.edge.client import EdgeClient
from serving.edge.errors import EdgeError
from serving.protocol.json_cost import FACTOR
from tests.serving.deployments import (
    deploy,
    deploy_half_plus_three,
    private_model,
)
from tests.serving.memory import watched_memory

NAME = "half_plus_three"
PREDICT = f"/v1/models/{NAME}:predict"
MIB = 1 << 20
MAX_BODY, MAX_INFLIGHT = 4 * MIB, 16 * MIB
LIMITS = ("--max_body_bytes", str(MAX_BODY), "--max_inflight_bytes", str(MAX_INFLIGHT), "--read_seconds", "2")
# Bodies in flight, and for each thread that parses (one a core) a body as Python objects; and as much again that the
# allocator keeps.
GROWTH = 2 * (MAX_INFLIGHT + (os.cpu_count() or 1) * FACTOR * MAX_BODY)


@pytest.fixture
def full(request):
    """True for the full size."""
    return request.config.getoption("--full_load")


@pytest.fixture
def say(capsys):
    """Prints a figure past pytest's capturing."""

    def show(**figures):
        with capsys.disabled():
            print(json.dumps(figures), flush=True)

    return show


def ask(pool, url, value):
    response = pool.request("POST", url + PREDICT, body=json.dumps({"instances": [value, -value]}))
    return response.status, response.data


@pytest.mark.timeout(900)
def test_no_wrong_or_lost_answer_under_load_with_reloads_underneath(tmp_path, full, say):
    requests, clients = (20_000, 64) if full else (1_500, 16)
    base = deploy_half_plus_three(str(tmp_path), version=1)
    source, stop, reloads = str(tmp_path / f"export-{NAME}-1"), threading.Event(), [0]
    with server_process(base, "--file_system_poll_wait_seconds", "0.2") as (process, url, _):
        pool = urllib3.PoolManager(retries=False, maxsize=clients + 1)

        def serves(version):
            return pool.request("GET", f"{url}/v1/models/{NAME}/versions/{version}").status == 200

        def reload():
            for version in itertools.count(2):
                push_saved_model(source, os.path.join(base, NAME, str(version)))
                while not serves(version):
                    time.sleep(0.1)
                shutil.rmtree(os.path.join(base, NAME, str(version - 2)), ignore_errors=True)
                reloads[0] += 1
                if stop.wait(1.0):
                    return

        memory = psutil.Process(process.pid).memory_info().rss
        reloader = threading.Thread(target=reload)
        reloader.start()
        results, indices = [], itertools.count()

        def client():
            """Asks until enough was asked and the model was reloaded underneath."""
            while (index := next(indices)) < requests or not reloads[0]:
                started = time.perf_counter()
                status, data = ask(pool, url, float(index))
                right = status == 200 and json.loads(data) == {"predictions": [index / 2 + 3, 3 - index / 2]}
                results.append((right, time.perf_counter() - started))

        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(clients) as threads:
            for done in [threads.submit(client) for _ in range(clients)]:
                done.result()
        seconds = time.monotonic() - started
        stop.set()
        reloader.join()
        growth = psutil.Process(process.pid).memory_info().rss - memory
    latencies = np.array([latency for _, latency in results])
    say(
        load=len(results),
        clients=clients,
        reloads=reloads[0],
        wrong_or_lost=sum(not right for right, _ in results),
        requests_per_second=round(len(results) / seconds),
        p50_ms=round(1000 * float(np.percentile(latencies, 50)), 1),
        p99_ms=round(1000 * float(np.percentile(latencies, 99)), 1),
        growth_mib=round(growth / MIB, 1),
    )
    assert all(right for right, _ in results) and reloads[0] >= 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_server_costs_clear_errors_and_no_wrong_prediction(tmp_path, full, say):
    """The network is linear, so that the right prediction does not depend on keys and mates."""
    kills, clients, deadline = (8, 8, 1.0) if full else (1, 3, 1.0)
    keras.utils.set_random_seed(0)
    deployed, port = deploy(str(tmp_path), model=private_model(activation=None)), free_port()
    x = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3)).astype(np.float32)
    logits = np.asarray(deployed.model.post(deployed.model.main(deployed.model.pre(x))))
    expected = 1 / (1 + np.exp(-logits))
    outcomes, stop = [], threading.Event()

    def use():
        client = EdgeClient(deployed.edge, f"http://127.0.0.1:{port}", wire="float32", deadline=deadline, covers=x)
        while not stop.is_set():
            try:
                outcomes.append(float(np.abs(client.predict(x) - expected).max()))
            except EdgeError as error:
                outcomes.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=use) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for _ in range(kills + 1):
        with server_process(deployed.serving, rest_port=port) as (process, _, _):
            before = sum(isinstance(outcome, float) for outcome in outcomes)
            end = time.monotonic() + 60
            while sum(isinstance(outcome, float) for outcome in outcomes) < before + 5 * clients:
                assert time.monotonic() < end, outcomes[-5:]
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
        time.sleep(2 * deadline)  # Long enough for some deadlines to pass.
    stop.set()
    for thread in threads:
        thread.join()
    right = [outcome for outcome in outcomes if isinstance(outcome, float)]
    errors = [outcome for outcome in outcomes if isinstance(outcome, str)]
    say(kills=kills + 1, predictions=len(right), largest_error=max(right), clear_errors=len(errors), example=errors[:1])
    assert max(right) < 1e-4
    assert errors and all(error.startswith("DeadlineError: no complete answer from") for error in errors)


def trickle(url, seconds, count):
    """Slow-loris: many connections that send a header's letters one by one, and bodies that never end."""
    host, port = url.removeprefix("http://").split(":")
    sockets = []
    for index in range(count):
        opened = socket.create_connection((host, int(port)))
        start = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\n"
        opened.sendall((start + ("Content-Length: 1000\r\n\r\n{" if index % 2 else "X-Long: ")).encode())
        sockets.append(opened)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for opened in sockets:
            with contextlib.suppress(OSError):
                opened.sendall(b"a")
        time.sleep(0.2)
    still_open = 0
    for opened in sockets:
        opened.setblocking(False)
        try:
            while opened.recv(4096):
                pass
        except BlockingIOError:
            still_open += 1
        except OSError:
            pass
        opened.close()
    return still_open


@pytest.mark.timeout(900)
def test_hostile_requests_cost_no_500_and_bounded_memory(tmp_path, full, say):
    rounds, connections = (20, 300) if full else (2, 60)
    base = deploy_half_plus_three(str(tmp_path))
    with server_process(base, *LIMITS) as (process, url, _):
        pool = urllib3.PoolManager(retries=False, maxsize=8)
        assert ask(pool, url, 1.0)[0] == 200
        hundred = 100 * MIB
        bomb = gzip.compress(bytes(hundred))
        layered = gzip.compress(b'{"instances": [' + b"0.5," * (MAX_BODY // 4 - 10) + b"0.5]}")

        def hostile(number):
            kind = number % 6
            try:
                if kind == 0:  # 100 MB that are announced
                    response = pool.request("POST", url + PREDICT, body=b"x" * hundred)
                elif kind == 1:  # 100 MB that are not
                    response = pool.request("POST", url + PREDICT, body=(b"[" * 65536 for _ in range(hundred // 65536)))
                elif kind == 2:
                    response = pool.request("POST", url + PREDICT, body=bomb, headers={"content-encoding": "gzip"})
                elif kind == 3:  # fits, and is a million numbers
                    response = pool.request("POST", url + PREDICT, body=layered, headers={"content-encoding": "gzip"})
                elif kind == 4:
                    response = pool.request("POST", url + PREDICT, body=b"[" * (MAX_BODY - 1))
                else:
                    response = pool.request("POST", url + PREDICT, body=b'{"instances": [[[1, 2], [3]]]}')
            except (urllib3.exceptions.HTTPError, OSError):
                return None  # The server answered and closed while the body was still on its way.
            return response.status

        with watched_memory(process.pid) as most:
            with concurrent.futures.ThreadPoolExecutor(9) as threads:
                loris = threads.submit(trickle, url, 8.0, connections)
                statuses = list(threads.map(hostile, range(6 * rounds)))
                still_open = loris.result()
            after = ask(pool, url, 8.0)
        growth = most()
    counted = {str(status): statuses.count(status) for status in set(statuses)}
    say(
        hostile=len(statuses),
        statuses=counted,
        slow_connections=connections,
        still_open=still_open,
        peak_growth_mib=round(growth / MIB, 1),
        bound_mib=round(GROWTH / MIB),
    )
    assert set(statuses) <= {None, 200, 400, 413, 429, 503} and 413 in statuses
    assert still_open == 0 and after == (200, b'{"predictions":[7.0,-1.0]}')
    assert growth < GROWTH


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just({"b64": "AAAA"}),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=4), children, max_size=3),
    max_leaves=8,
)
nearly_right = st.fixed_dictionaries(
    {},
    optional={
        "signature_name": st.sampled_from(["", "serving_default", "several", "columns", "positive", "?"]) | json_values,
        "instances": st.lists(st.floats(width=32), max_size=4) | json_values,
        "inputs": st.dictionaries(st.sampled_from(["x", "tag", "pair", "one", "many"]), json_values) | json_values,
    },
)
bodies = st.one_of(
    st.just(b'{"instances": [1.0, NaN]}'),
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    nearly_right.map(lambda value: json.dumps(value).encode()),
    st.text(max_size=50).map(lambda text: b'{"instances": [' + text.encode("utf-8", "surrogatepass") + b"]}"),
)
segment = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#?"), max_size=8)
paths = st.one_of(
    st.just(PREDICT),
    st.just(PREDICT),
    st.sampled_from(["/versions/1", "/versions/123", "/labels/x", "", "/metadata"]).map(
        lambda part: f"/v1/models/{NAME}{part}:predict"
    ),
    st.tuples(segment, segment, segment).map(lambda parts: f"/v1/models/{parts[0]}/{parts[1]}:{parts[2]}"),
    segment.map(lambda part: f"/{part}"),
)
methods = st.sampled_from(["POST", "POST", "POST", "POST", "GET", "PUT", "DELETE", "HEAD"])
headers = st.dictionaries(
    st.sampled_from(["content-type", "content-encoding", "accept-encoding", "authorization", "x-other", "accept"]),
    st.sampled_from(["gzip", "identity", "application/json", "br", "deflate", "", "*/*", "Bearer x", "a" * 500]),
    max_size=3,
)


@pytest.mark.timeout(900)
def test_fuzzed_requests(tmp_path, full, say):
    base = deploy_half_plus_three(str(tmp_path))
    counted = {}
    with server_process(base, *LIMITS) as (process, url, _):
        host = url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=10)
        memory = None

        @settings(
            max_examples=10_000 if full else 400,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "DELETE", "HEAD"]),
            paths,
            bodies,
            headers,
            st.booleans(),
        )
        def fuzz(method, path, body, extra, zipped):
            nonlocal memory
            if zipped and extra.get("content-encoding") == "gzip":
                body = gzip.compress(body)
            connection.request(method, path, body, extra)
            response = connection.getresponse()
            content = response.read()
            counted[response.status] = counted.get(response.status, 0) + 1
            assert response.status != 500 and response.status < 600, content
            if response.status >= 400 and method != "HEAD" and response.headers["content-encoding"] is None:
                assert "error" in json.loads(content)
            if memory is None and sum(counted.values()) == 100:
                memory = psutil.Process(process.pid).memory_info().rss

        fuzz()
        growth = psutil.Process(process.pid).memory_info().rss - memory
        status, data = ask(urllib3.PoolManager(retries=False), url, 8.0)
    total = sum(counted.values())
    say(fuzzed=total, statuses=counted, growth_mib=round(growth / MIB, 1), bound_mib=round(GROWTH / MIB))
    assert (status, data) == (200, b'{"predictions":[7.0,-1.0]}')
    assert growth < GROWTH and total >= (10_000 if full else 400) and 200 in counted and 400 in counted


def test_fuzzed_bytes_on_the_socket(tmp_path):
    """Not even HTTP: the connection ends, the server does not."""
    source = random.Random(0)
    base = deploy_half_plus_three(str(tmp_path))
    with server_process(base, *LIMITS) as (_, url, _):
        host, port = url.removeprefix("http://").split(":")
        for _ in range(100):
            with socket.create_connection((host, int(port)), timeout=5) as opened:
                start = source.choice([b"", b"GET / HTTP/1.1\r\n", f"POST {PREDICT} HTTP/1.1\r\n".encode()])
                opened.sendall(start + source.randbytes(source.randrange(1, 400)) + b"\r\n\r\n")
                opened.shutdown(socket.SHUT_WR)
                received = b""
                with contextlib.suppress(ConnectionResetError):
                    while part := opened.recv(4096):
                        received += part
                assert b" 500 " not in received
        assert ask(urllib3.PoolManager(retries=False), url, 8.0)[0] == 200
