"""One server for the tests of the contract."""

import grpc
import pytest
import urllib3

from serving.protocol.limits import Limits
from tests.serving.deployments import deploy_half_plus_three, served

MAX_BODY = 1 << 20


@pytest.fixture(scope="package")
def models(tmp_path_factory):
    return deploy_half_plus_three(str(tmp_path_factory.mktemp("contract")))


@pytest.fixture(scope="package")
def server(models):
    limits = Limits(max_body_bytes=MAX_BODY, max_inflight_bytes=4 * MAX_BODY, read_seconds=1.0, max_connections=400)
    with served(models, limits=limits) as running:
        yield running


@pytest.fixture
def http(server):
    """Sends a request: `http(method, path, body=None, **headers)`."""
    with urllib3.PoolManager(retries=False) as pool:

        def send(method, path, body=None, headers=None, **options):
            return pool.request(method, server.rest_url + path, body=body, headers=headers, **options)

        yield send


@pytest.fixture
def predict(http):
    """Posts to the default model; gives the status and the parsed answer."""

    def post(body, path="/v1/models/half_plus_three:predict", **options):
        import json

        body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        response = http("POST", path, body, **options)
        return response.status, json.loads(response.data)

    return post


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as opened:
        yield opened


@pytest.fixture(scope="package")
def base(tmp_path_factory):
    """A folder with two versions of a model."""
    folder = str(tmp_path_factory.mktemp("versions"))
    for version in (1, 2):
        models = deploy_half_plus_three(folder, version=version)
    return models
