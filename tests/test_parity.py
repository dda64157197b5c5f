"""The reference values that `make parity` wrote: tensorflow-addons, tensorflow-io and Keras 2."""

import pytest

from tests.conftest import REPOSITORY
from tools.parity.compare import BOUND, FUNCTIONS, differences

VALUES = REPOSITORY / "tests" / "data" / "parity.npz"


@pytest.fixture(scope="module")
def found():
    return differences(str(VALUES))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees_with_the_reference(found, name):
    assert found[name] <= BOUND
