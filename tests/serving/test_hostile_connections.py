"""What 50 hostile connections of each kind cost every server in memory: bounds that the limits give, and figures.

`make slow` runs it; it prints what docs/reference/limits.md tells. Fast tests hold the mechanisms:
protocol/test_http_server.py, relay/test_relay.py, cloud/test_grpc_reception.py, cloud/test_hostile_json.py.
"""

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable

import grpc
import pytest
import urllib3

from benchmarks.serving_process import free_port, server_process
from serving.edge.preprocess import ImagePreprocessing
from serving.protocol import bhttp, ohttp
from serving.protocol.dates import write_date
from serving.protocol.json_cost import FACTOR
from serving.protocol.limits import Limits
from tests import datasets
from tests.serving.cloud.test_grpc_reception import flood
from tests.serving.deployments import deploy_half_plus_three
from tests.serving.finished_runs import finished_run
from tests.serving.hostile import MIB, post_all, silent, still_open, unfinished
from tests.serving.memory import watched_memory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

COUNT, SIZE = 50, 31 * MIB
LIMITS = Limits()
PREDICT = "/v1/models/half_plus_three:predict"
#: Bodies under way, and as much again that the allocator keeps; and the buffers of each connection.
BODIES = 2 * LIMITS.max_inflight_bytes + COUNT * MIB
#: And JSON as Python objects, for each processor core; a connection that says nothing has a few kilobytes.
JSON, SILENT = BODIES + 2 * (os.cpu_count() or 1) * FACTOR * LIMITS.max_body_bytes, 16 * MIB


@dataclasses.dataclass(frozen=True)
class Target:
    """A server under attack: its process, its URL, a path that takes bodies of a kind, and a costly body."""

    pid: int
    url: str
    path: str
    kind: str
    body: Callable[[], bytes]
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


def numbers(prefix, suffix):
    part = b"0.25,"
    return prefix + part * ((SIZE - len(prefix) - len(suffix) - 8) // len(part)) + b"0.25" + suffix


@contextlib.contextmanager
def process(*words):
    """A server as a process, once it prints a line with its URL; the query that its page needs stands apart."""
    with subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True) as started:
        try:
            line = started.stdout.readline()
            yield started, *re.search(r"(http://127\.0\.0\.1:\d+)(/\?[\w=-]+)?", line).groups("")
        finally:
            started.kill()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "token").write_text("secret\n")
    base = deploy_half_plus_three(str(folder))
    flags = ("--oblivious_key_file", str(folder / "key"), "--token_file", str(folder / "token"))
    with server_process(base, *flags) as (started, url, address):
        yield started, url, address


@pytest.fixture(params=["server", "gateway", "relay", "demo"])
def target(request, cloud, tmp_path):
    started, url, _ = cloud
    plain, token = numbers(b'{"instances": [', b"]}"), {"authorization": "Bearer secret"}

    def sealed():
        (config,) = ohttp.read_configs(urllib3.request("GET", url + ohttp.GATEWAY_PATH).data)
        headers = token | {"date": write_date(time.time())}
        return ohttp.Sealed(config, bhttp.write_request("POST", PREDICT, headers, plain)).body

    if request.param == "server":
        yield Target(started.pid, url, PREDICT, "application/json", lambda: plain, token)
    elif request.param == "gateway":
        yield Target(started.pid, url, ohttp.GATEWAY_PATH, ohttp.REQUEST_TYPE, sealed)
    elif request.param == "relay":
        port = free_port()
        with process("serving.relay", "--gateway_url", url, "--port", str(port)) as (relay, *_):
            own = f"http://127.0.0.1:{port}"
            urllib3.request("GET", own, retries=urllib3.Retry(20, backoff_factor=0.1))
            yield Target(relay.pid, own, "/", ohttp.REQUEST_TYPE, sealed)
    else:
        run = finished_run(datasets.pictures(tmp_path / "faces"), tmp_path / "run", ImagePreprocessing(32, 32))
        with process("pipeline.demo", str(run), "--port", "0") as (demo, own, query):
            while not urllib3.request("GET", f"{own}/api/state{query[1:]}").json()[
                "ready"
            ]:  # it fits its attacks meanwhile
                time.sleep(0.2)
            body = numbers(b'{"files": [', b"]}")
            yield Target(demo.pid, own, f"/api/query{query[1:]}", "application/json", lambda: body, {"origin": own})


@pytest.fixture
def say(request, capsys):
    def show(what, growth, bound, **figures):
        with capsys.disabled():
            name = request.node.callspec.params["target"] if hasattr(request.node, "callspec") else "gRPC"
            mib = {"growth_mib": round(growth / MIB), "bound_mib": round(bound / MIB)}
            print(
                json.dumps({"server": name, "what": what, **mib, **{k: str(v) for k, v in figures.items()}}), flush=True
            )

    return show


def test_bodies_that_never_end(target, say):
    headers = target.headers | ({"origin": "http://127.0.0.1"} if "origin" in target.headers else {})  # as Host has it
    with (
        watched_memory(target.pid) as growth,
        unfinished(target.url, target.path, target.kind, COUNT, SIZE, **headers) as sockets,
    ):
        left = still_open(sockets, 2 * LIMITS.read_seconds + 5)
    say("unfinished bodies", growth(), BODIES, still_open=left)
    assert left == 0 and growth() < BODIES


def test_connections_that_say_nothing(target, say):
    with watched_memory(target.pid) as growth, silent(target.url, COUNT) as sockets:
        left = still_open(sockets, LIMITS.read_seconds + 5)
    say("silent connections", growth(), SILENT, still_open=left)
    assert left == 0 and growth() < SILENT


def test_bodies_of_full_size(target, say):
    with watched_memory(target.pid) as growth:
        statuses = post_all(target.url + target.path, target.kind, target.body, COUNT, **target.headers)
    bound = BODIES if target.path == "/" else JSON  # the relay reads none
    say("bodies of full size", growth(), bound, statuses=statuses)
    assert growth() < bound and 500 not in statuses


def test_grpc_without_a_token(cloud, say):
    process, _, address = cloud
    codes, growth = flood(process, address, COUNT)
    say("messages without a token", growth, COUNT * MIB, codes={code.name for code in codes})
    assert codes == {grpc.StatusCode.UNAUTHENTICATED} and growth < COUNT * MIB
    with watched_memory(process.pid) as most, silent(address, COUNT) as sockets:
        left = still_open(sockets, LIMITS.read_seconds + 10)
    say("silent connections", most(), SILENT, still_open=left)
    assert left == 0 and most() < SILENT
