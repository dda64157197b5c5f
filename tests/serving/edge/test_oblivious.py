"""Client, relay and gateway end to end: real servers on real ports."""

import base64
import dataclasses
import http.server
import json
import shutil
import threading
import time

import numpy as np
import pytest
import urllib3

from serving.edge.client import EdgeClient
from serving.edge.errors import BadAnswerError, BundleError, CloudError, DeadlineError
from serving.edge.messages import WIRES
from serving.edge.oblivious import DATE_BLUR, ObliviousTransport
from serving.edge.transport import Deadline
from serving.protocol import bhttp, ohttp
from serving.protocol.dates import read_date
from serving.relay.relay import RelayOptions, make_app
from tests.serving.deployments import deploy, private_model, served
from tests.serving.running import running


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    # Linear in the cloud: predictions do not depend on the keys.
    return deploy(str(tmp_path_factory.mktemp("oblivious")), model=private_model(activation=None))


@pytest.fixture(scope="module")
def server(deployed, key):
    with served(deployed.serving, oblivious_keys=lambda: ohttp.GatewayKeys([key]), oblivious_only=True) as found:
        yield found


@pytest.fixture(scope="module")
def relay(server):
    with running(make_app(RelayOptions(server.rest_url, wait_seconds=0.05))) as url:
        yield url


@pytest.fixture
def inputs():
    return np.random.default_rng(6).integers(0, 256, (6, 8, 8, 3)).astype(np.float32)


def test_the_answer_is_that_of_the_model_and_no_request_holds_two_mixtures(deployed, key, relay, inputs):
    covers = np.random.default_rng(5).integers(0, 256, (8, 8, 8, 3)).astype(np.float32)
    with EdgeClient(deployed.edge, relay, covers=covers, oblivious_key=key.config.to_bytes(), wire="float32") as client:
        found = client.predict(inputs)
        assert client.traffic.messages == client.traffic.rows == 8  # two groups of four
    expected = 1 / (1 + np.exp(-np.asarray(deployed.model.unmixed()(inputs))))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_gateway_gives_its_key_and_takes_nothing_else(server, key, relay):
    pool = urllib3.PoolManager()
    for url in (server.rest_url + ohttp.GATEWAY_PATH, relay + "/"):
        answer = pool.request("GET", url)
        assert answer.data == key.config.to_bytes() and answer.headers["content-type"] == ohttp.KEYS_TYPE
    assert pool.request("GET", server.rest_url + "/v1/models/toy").status == 403
    assert pool.request("GET", server.rest_url + "/healthz/ready").status == 200
    gateway = server.rest_url + ohttp.GATEWAY_PATH
    for headers, body, status in (
        ({"content-type": "text/plain"}, b"x", 415),
        ({"content-type": ohttp.REQUEST_TYPE}, b"x" * 100, 422),
        ({"content-type": ohttp.REQUEST_TYPE}, b"x" * 10, 400),
    ):
        refused = pool.request("POST", gateway, headers=headers, body=body)
        assert refused.status == status and "title" in json.loads(refused.data)
    assert pool.request("PUT", gateway).status == 405
    assert server.grpc_port is None  # nobody can seal a gRPC call


def test_refusals_behind_the_gateway_come_back_sealed(deployed, key, relay, inputs):
    with EdgeClient(deployed.edge, relay, covers=inputs, oblivious_key=key.config.to_bytes()) as client:
        client.manifest = dataclasses.replace(client.manifest, model_version=99)
        with pytest.raises(CloudError, match="refused with HTTP 404 behind the gateway"):
            client.predict(inputs[:1])
    stranger = ohttp.GatewayKey().config.to_bytes()
    with (
        EdgeClient(deployed.edge, relay, covers=inputs, oblivious_key=stranger) as client,
        pytest.raises(CloudError, match="copies of the gateway's key differ"),
    ):
        client.predict(inputs[:1])
    with pytest.raises(CloudError, match="gateway's key cannot be used"):
        EdgeClient(deployed.edge, relay, oblivious_key=b"no key")


def test_an_answer_that_was_exchanged_is_noticed(deployed, key, inputs):
    """A relay that answers one request with the answer of another."""
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    async def lie(request):
        other = key.open(ohttp.Sealed(key.config, b"").body)
        return Response(other.seal(bhttp.write_response(200, {}, b"{}")), media_type=ohttp.RESPONSE_TYPE)

    with (
        running(Starlette(routes=[Route("/", lie, methods=["POST"])])) as url,
        EdgeClient(deployed.edge, url, covers=inputs, oblivious_key=key.config.to_bytes(), deadline=20) as client,
        pytest.raises(BadAnswerError, match="cannot be read"),
    ):
        client.predict(inputs[:1])


class Relay(http.server.BaseHTTPRequestHandler):
    """A relay and gateway in one that does what the next entry of `server.script` says; the last one stays."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200 if self.server.copy else 404, self.server.copy)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        opened = self.server.key.open(body)
        self.server.bodies.append(body)
        self.server.outer = {name.lower() for name in self.headers}
        self.server.requests.append(bhttp.read_request(opened.request))
        script = self.server.script
        (script.pop(0) if len(script) > 1 else script[0])(self, opened)

    def answer(self, status, content=b"", **headers):
        self.send_response(status)
        for name, value in {"content-length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def refuse(status):
    return lambda relay, opened: relay.answer(status, b"as scripted")


def seal(status, content=b"answer", **headers):
    """An entry that answers sealed."""
    return lambda relay, opened: relay.answer(200, opened.seal(bhttp.write_response(status, headers, content)))


def hang_up(relay, opened):
    relay.close_connection = True
    relay.connection.close()


def half_an_answer(relay, opened):
    relay.send_response(200)
    relay.send_header("content-length", "1000")
    relay.end_headers()
    relay.close_connection = True


WRONG_DATE = seal(400, json.dumps({"type": ohttp.DATE_PROBLEM}).encode(), date="Thu, 01 Jan 1970 00:00:00 GMT")


@pytest.fixture
def scripted(key):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay) as server:
        server.key, server.copy, server.bodies, server.requests = key, key.config.to_bytes(), [], []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield server
        server.shutdown()


def post(scripted, key, seconds=5.0, sources=None):
    transport = ObliviousTransport(scripted.url, sources or [key.config.to_bytes()])
    try:
        return transport.post("/v1/models/m:predict", b"{}", Deadline(seconds))
    finally:
        transport.close()


@pytest.mark.parametrize("failure", [hang_up, half_an_answer])
def test_what_may_have_arrived_is_never_sent_again(scripted, key, failure):
    scripted.script = [failure]
    with pytest.raises(CloudError, match="may have arrived, so it is not sent again"):
        post(scripted, key)
    assert len(scripted.bodies) == 1


@pytest.mark.parametrize("refusal", [refuse(429), refuse(503), seal(503), seal(429)])
def test_what_was_refused_is_sealed_anew(scripted, key, refusal):
    scripted.script = [refusal, refusal, seal(200)]
    assert post(scripted, key) == b"answer"
    assert len(scripted.bodies) == len(set(scripted.bodies)) == 3
    assert len({body[7:39] for body in scripted.bodies}) == 3  # each with a key of its own
    assert {(method, path, content) for method, path, _, content in scripted.requests} == {
        ("POST", "/v1/models/m:predict", b"{}")
    }


@pytest.mark.parametrize("status", [400, 422, 500, 502, 504])
def test_other_refusals_are_not_repeated(scripted, key, status):
    for entry, text in ((refuse(status), f"HTTP {status}: as scripted"), (seal(status), f"HTTP {status} behind the")):
        scripted.script, scripted.bodies = [entry], []
        with pytest.raises(CloudError, match=text):
            post(scripted, key)
        assert len(scripted.bodies) == 1


def test_a_connection_that_cannot_be_made_is_tried_until_the_deadline(scripted, key):
    scripted.url, started = "http://127.0.0.1:9", time.monotonic()
    with pytest.raises(DeadlineError, match="refused"):
        post(scripted, key, 0.4)
    assert 0.1 < time.monotonic() - started < 1


def test_the_token_is_sealed(scripted, key):
    scripted.script = [seal(200)]
    transport = ObliviousTransport(scripted.url, [key.config.to_bytes()], token="secret")
    transport.post("/", b"", Deadline(5))
    transport.close()
    ((_, _, headers, _),) = scripted.requests
    assert headers["authorization"] == "Bearer secret" and b"secret" not in scripted.bodies[0]
    assert set(scripted.outer) == {"host", "accept-encoding", "content-length", "content-type", "user-agent"}


def test_requests_have_a_date_near_now(scripted, key):
    scripted.script = [seal(200)]
    for _ in range(8):
        post(scripted, key)
    dates = [read_date(headers["date"]) for _, _, headers, _ in scripted.requests]
    assert max(abs(date - time.time()) for date in dates) < DATE_BLUR + 20 and len(set(dates)) > 1


def test_a_date_is_corrected_once_and_for_one_request(scripted, key):
    scripted.script = [WRONG_DATE, seal(200)]
    assert post(scripted, key) == b"answer"
    assert [read_date(headers["date"]) == 0 for _, _, headers, _ in scripted.requests] == [False, True]
    scripted.script, scripted.requests = [WRONG_DATE], []
    with pytest.raises(CloudError, match="HTTP 400 behind the gateway"):
        post(scripted, key)
    assert [read_date(headers["date"]) == 0 for _, _, headers, _ in scripted.requests] == [False, True]


def test_a_key_that_others_do_not_get_is_refused_before_anything_is_sent(scripted, key):
    scripted.script, scripted.copy = [seal(200)], ohttp.GatewayKey().config.to_bytes()
    with pytest.raises(CloudError, match=f"SHA-256 {key.config.fingerprint} here, .*nothing was sent"):
        post(scripted, key)
    with pytest.raises(CloudError, match="copies of the gateway's key differ"):
        post(scripted, key, sources=[key.config.to_bytes(), ohttp.GatewayKey().config.to_bytes()])
    scripted.copy += b"\0"
    with pytest.raises(CloudError, match="cannot be used: expected key configurations"):
        post(scripted, key)
    assert not scripted.bodies


def test_while_keys_are_replaced_the_one_that_both_have_is_used(scripted, key):
    old, new = ohttp.GatewayKey(7).config.to_bytes(), key.config.to_bytes()
    scripted.script, scripted.copy = [seal(200)], old + new
    assert post(scripted, key, sources=[new]) == post(scripted, key, sources=[new + old, new]) == b"answer"
    assert {body[0] for body in scripted.bodies} == {key.config.key_id}


def test_what_is_not_safe_is_told(scripted, key, caplog):
    scripted.script, scripted.copy = [seal(200)], b""
    post(scripted, key)
    assert f"{scripted.url} is plain http" in caplog.text and "was not compared with a copy" in caplog.text
    caplog.clear()
    ObliviousTransport("https://relay.example", [key.config.to_bytes()]).close()
    assert not caplog.text


def with_keys(deployed, folder, keys):
    """A copy of the bundle whose manifest has these keys."""
    shutil.copytree(deployed.edge, folder)
    described = json.loads((folder / "manifest.json").read_text()) | {"gateway_keys": keys}
    (folder / "manifest.json").write_text(json.dumps(described))
    return str(folder)


def test_the_bundle_has_the_gateway_s_key(deployed, key, relay, inputs, tmp_path):
    text = base64.b64encode(key.config.to_bytes()).decode()
    bundle = with_keys(deployed, tmp_path / "edge", {key.config.fingerprint: text})
    with EdgeClient(bundle, relay, covers=inputs, oblivious=True) as client:
        assert client.predict(inputs[:1]).shape == (1, 3)
    with pytest.raises(CloudError, match="copies of the gateway's key differ"):
        EdgeClient(bundle, relay, oblivious_key=ohttp.GatewayKey().config.to_bytes())
    for name, keys in (("changed", {"0" * 64: text}), ("broken", {key.config.fingerprint: "no base64"})):
        with pytest.raises(BundleError, match="in the bundle was changed"):
            EdgeClient(with_keys(deployed, tmp_path / name, keys), relay, oblivious=True)
    with pytest.raises(CloudError, match="bundle has no gateway's key"):
        EdgeClient(deployed.edge, relay, oblivious=True)


def test_messages_of_different_sizes_are_refused(deployed, key, relay):
    with pytest.raises(ValueError, match="wire must be packed through a relay"):
        EdgeClient(deployed.edge, relay, wire="json", oblivious_key=key.config.to_bytes())


@pytest.mark.parametrize("wire", [wire for wire in WIRES if wire != "json"])
def test_sealed_requests_are_of_one_size(deployed, key, scripted, inputs, wire):
    scripted.script = [seal(400)]
    scale = np.float32(10) ** np.arange(-3, 3, dtype=np.float32)[:, None, None, None]
    with (
        EdgeClient(
            deployed.edge, scripted.url, covers=inputs[:2], oblivious_key=key.config.to_bytes(), wire=wire
        ) as client,
        pytest.raises(CloudError, match="HTTP 400"),
    ):
        client.predict(inputs * scale)
    assert len({len(body) for body in scripted.bodies}) == 1
