"""Client, relay and gateway end to end: real servers on real ports."""

import dataclasses
import json

import numpy as np
import pytest
import urllib3

from serving.edge.client import EdgeClient
from serving.edge.errors import BadAnswerError, CloudError
from serving.protocol import bhttp, ohttp
from serving.relay.relay import RelayOptions, make_app
from tests.serving.deployments import deploy, private_model, served
from tests.serving.running import running


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    # Linear in the cloud: predictions do not depend on the keys.
    return deploy(str(tmp_path_factory.mktemp("oblivious")), model=private_model(activation=None))


@pytest.fixture(scope="module")
def server(deployed, key):
    with served(deployed.serving, oblivious_key=key, oblivious_only=True) as found:
        yield found


@pytest.fixture(scope="module")
def relay(server):
    with running(make_app(RelayOptions(server.rest_url, batch=8, wait_seconds=0.2))) as url:
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
    http = urllib3.PoolManager()
    for url in (server.rest_url + ohttp.GATEWAY_PATH, relay + "/"):
        answer = http.request("GET", url)
        assert answer.data == key.config.to_bytes() and answer.headers["content-type"] == ohttp.KEYS_TYPE
    assert http.request("GET", server.rest_url + "/v1/models/toy").status == 403
    assert http.request("GET", server.rest_url + "/healthz/ready").status == 200
    gateway = server.rest_url + ohttp.GATEWAY_PATH
    for headers, body, status in (
        ({"content-type": "text/plain"}, b"x", 415),
        ({"content-type": ohttp.REQUEST_TYPE}, b"x" * 100, 400),
    ):
        refused = http.request("POST", gateway, headers=headers, body=body)
        assert refused.status == status and "title" in json.loads(refused.data)
    assert http.request("PUT", gateway).status == 405


def test_refusals_behind_the_gateway_come_back_sealed(deployed, key, relay, inputs):
    with EdgeClient(deployed.edge, relay, covers=inputs, oblivious_key=key.config.to_bytes()) as client:
        client.manifest = dataclasses.replace(client.manifest, model_version=99)
        with pytest.raises(CloudError, match="behind the gateway with HTTP 404"):
            client.predict(inputs[:1])
    stranger = ohttp.GatewayKey().config.to_bytes()
    with (
        EdgeClient(deployed.edge, relay, covers=inputs, oblivious_key=stranger) as client,
        pytest.raises(CloudError, match="HTTP 400"),
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
        _, seal = key.open(ohttp.Sealed(key.config, b"").body)
        return Response(seal(bhttp.write_response(200, {}, b"{}")), media_type=ohttp.RESPONSE_TYPE)

    with (
        running(Starlette(routes=[Route("/", lie, methods=["POST"])])) as url,
        EdgeClient(deployed.edge, url, covers=inputs, oblivious_key=key.config.to_bytes(), deadline=20) as client,
        pytest.raises(BadAnswerError, match="cannot be read"),
    ):
        client.predict(inputs[:1])
