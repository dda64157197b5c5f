"""A private model behind a server, for the tests of the client."""

import numpy as np
import pytest

from serving.edge.client import EdgeClient
from tests.serving.deployments import deploy, served


@pytest.fixture(scope="package")
def deployed(tmp_path_factory):
    return deploy(str(tmp_path_factory.mktemp("edge")))


@pytest.fixture(scope="package")
def server(deployed):
    with served(deployed.serving) as running:
        yield running


@pytest.fixture
def covers():
    return np.random.default_rng(5).integers(0, 256, (40, 8, 8, 3)).astype(np.float32)


@pytest.fixture
def inputs():
    return np.random.default_rng(6).integers(0, 256, (11, 8, 8, 3)).astype(np.float32)


@pytest.fixture
def make(deployed, server, covers):
    """Makes clients of the server, with covers."""
    made = []

    def client(url=None, **options):
        made.append(EdgeClient(deployed.edge, url or server.rest_url, **{"covers": covers, **options}))
        return made[-1]

    yield client
    for opened in made:
        opened.close()


@pytest.fixture(autouse=True)
def state(tmp_path_factory, monkeypatch):
    """Commands keep their counts of covers here, not where the user has them."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder
