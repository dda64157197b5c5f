"""JSON that is small on the wire must not be large in memory: the server as a process, asked from another."""

import pytest
import urllib3

from benchmarks.serving_process import server_process
from serving.protocol.errors import ServingError
from serving.protocol.json_cost import FACTOR, check_cost
from tests.serving.deployments import deploy_half_plus_three
from tests.serving.memory import watched_memory

MIB = 1 << 20
MAX_BODY = 8 * MIB


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    base = deploy_half_plus_three(str(tmp_path_factory.mktemp("json")))
    with server_process(base, "--max_body_bytes", str(MAX_BODY)) as (process, url, _):
        yield process, f"{url}/v1/models/half_plus_three:predict"


def cost(server, body, method="predict"):
    """Status of the answer, and the most by which the server grew meanwhile, in bytes."""
    process, url = server
    with watched_memory(process.pid) as growth:
        response = urllib3.request("POST", url.replace("predict", method), body=body, retries=False, timeout=60)
    return response.status, growth()


def row(*parts):
    return b'{"instances": [[' + b",".join(parts) + b"]]}"


@pytest.mark.parametrize("letters", [40_000, 1_000_000])
@pytest.mark.parametrize("key", [b"instances", b"inputs"])
def test_a_text_among_numbers(server, letters, key):
    """NumPy would give each number the text's width: 6.1 GB for the first."""
    text = b'"' + b"a" * letters + b'"'
    body = row(text, *[b"0"] * letters).replace(b"instances", key)
    status, growth = cost(server, body)
    assert status == 400 and growth < 40 * len(body) + 16 * MIB


@pytest.mark.parametrize("other", [b"null", b"true", b'{"b64": "AAAA"}', b"{}", b"[]", b'"1"', b"1e400", b"-1" * 500])
def test_anything_among_numbers_is_an_error_of_the_client(server, other):
    status, growth = cost(server, row(other, *[b"0.5"] * 10_000))
    assert status == 400 and growth < 32 * MIB


@pytest.mark.parametrize("part", [b"[]", b"[1]", b"{}", b'""', b"1"])
def test_a_body_of_full_size_stays_below_the_stated_factor(server, part):
    status, growth = cost(server, row(*[part] * ((MAX_BODY - 100) // (len(part) + 1))))
    assert status in (400, 413) and growth < FACTOR * MAX_BODY


def largest(part):
    """The largest body of such examples that is read."""
    least, most = 1, MAX_BODY // len(part)
    while most - least > 100:
        middle = (least + most) // 2
        try:
            check_cost(b'{"examples": [' + b",".join([part] * middle) + b"]}", MAX_BODY, messages=True)
            least = middle
        except ServingError:
            most = middle
    return b'{"examples": [' + b",".join([part] * least) + b"]}"


def test_examples_of_classify_stay_below_the_stated_factor(server):
    """They are protocol buffers, too, once they are read."""
    status, growth = cost(server, largest(b'{"a":1}'), "classify")
    assert status == 400 and growth < FACTOR * MAX_BODY


def test_a_context_that_is_part_of_many_examples(server):
    """Four megabytes in each of a thousand would be four gigabytes."""
    body = b'{"context": {"a": "' + b"a" * (4 * MIB) + b'"}, "examples": [' + b",".join([b"{}"] * 1000) + b"]}"
    status, growth = cost(server, body, "classify")
    assert status == 413 and growth < FACTOR * MAX_BODY
