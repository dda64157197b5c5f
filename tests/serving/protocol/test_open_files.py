"""A server may have as many connections open as its limits name, whatever the shell allows by default."""

import pytest

from serving.protocol.limits import Limits
from serving.protocol.open_files import allow_connections

resource = pytest.importorskip("resource")


@pytest.fixture(autouse=True)
def _as_before():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_is_raised_and_never_lowered():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < 5000:
        pytest.skip(f"this machine allows {hard} open files at most")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    allow_connections(Limits(max_connections=1000), protocols=2)
    raised = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert 4000 < raised < 5000
    allow_connections(Limits(max_connections=10), protocols=1)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (raised, hard)


def test_not_above_what_the_system_allows():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_connections(Limits(max_connections=10**12), protocols=1)
    soft, after = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert after == hard and (hard == resource.RLIM_INFINITY or soft <= hard)
