"""The bound of what a JSON document takes holds, and refuses no document that people send."""

import json
import tracemalloc

import numpy as np
import orjson
import pytest

from serving.protocol.errors import ServingError
from serving.protocol.json_cost import FACTOR, check_cost

SIZE = 1 << 20


def repeated(part, size=SIZE):
    return b"[" + b",".join([part] * (size // (len(part) + 1))) + b"]"


HOSTILE = {
    "empty lists": repeated(b"[]"),
    "lists of one": repeated(b"[1]"),
    "lists of lists": repeated(b"[[[]]]"),
    "empty objects": repeated(b"{}"),
    "objects": repeated(b'{"a":1}'),
    "texts": repeated(b'""'),
    "long texts": repeated(b'"' + b"a" * 50 + b'"'),
    "digits": repeated(b"1"),
    "decimals": repeated(b"1.5"),
    "true": repeated(b"true"),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("loads", [json.loads, orjson.loads], ids=["json", "orjson"])
def test_no_document_that_passes_takes_more_than_it_says(body, loads):
    """`tracemalloc` sees what Python's allocators give: the objects of both parsers."""
    least, limit = 1, 16 * SIZE  # the smallest bound that it passes
    while limit - least > SIZE // 64:
        middle = (least + limit) // 2
        try:
            check_cost(body, middle)
        except ServingError as error:
            assert error.http_status == 413 and "fewer rows" in str(error)
            least = middle
        else:
            limit = middle
    most = FACTOR * limit
    tracemalloc.start()
    document = loads(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(document) and peak <= most


def test_a_body_of_full_size_with_numbers_passes():
    normal = np.random.default_rng(0).normal(size=(64, 1024))
    for rows in (normal, normal.reshape(4096, 16), np.zeros((64, 4096))):
        body = orjson.dumps({"instances": rows}, option=orjson.OPT_SERIALIZE_NUMPY)
        check_cost(body, len(body))


@pytest.mark.parametrize("body", [repeated(b"[]"), repeated(b"{}")])
def test_a_body_of_full_size_with_nothing_but_lists_or_objects_is_refused(body):
    with pytest.raises(ServingError, match="too many lists"):
        check_cost(body, len(body))
