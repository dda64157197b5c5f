"""The key of a gateway."""

import pytest

from serving.protocol import ohttp


@pytest.fixture(scope="module")
def key():
    return ohttp.GatewayKey()
