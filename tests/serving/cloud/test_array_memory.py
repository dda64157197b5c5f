"""A request counts as what it became, where that is more than its body."""

import numpy as np
import pytest

from serving.cloud.array_memory import counted, memory_of
from serving.protocol.bodies import InFlight
from serving.protocol.errors import ServingError

NUMBERS = np.zeros((10, 8), np.float32)
TEXTS = np.array([b"", b"abc"], object)


def test_numbers_count_as_their_bytes_and_texts_as_more_than_theirs():
    assert memory_of([NUMBERS]) == 320 and memory_of([]) == 0
    assert memory_of([TEXTS]) == 2 * memory_of([TEXTS[:1]]) + 3 > 2 * 33
    assert memory_of([NUMBERS, TEXTS]) == 320 + memory_of([TEXTS])


@pytest.mark.parametrize(("size", "more"), [(100, 220), (320, 0), (500, 0)])
def test_only_the_excess_is_counted_and_only_meanwhile(size, more):
    in_flight = InFlight(1000)
    with counted(in_flight, [NUMBERS], size):
        assert in_flight.bytes == more
    assert in_flight.bytes == 0


def test_no_room_now_is_429_and_never_is_413():
    in_flight = InFlight(600)
    with counted(in_flight, [NUMBERS], 0), pytest.raises(ServingError) as raised, counted(in_flight, [NUMBERS], 0):
        pass
    assert raised.value.http_status == 429 and in_flight.bytes == 0
    with pytest.raises(ServingError) as raised, counted(in_flight, [NUMBERS, NUMBERS], 0):
        pass
    assert raised.value.http_status == 413 and in_flight.bytes == 0
