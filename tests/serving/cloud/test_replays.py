"""What a gateway remembers of the requests that it answered."""

from serving.cloud.replays import REPEATED, UNTIMELY, Replays


def test_a_request_is_taken_once_and_in_time():
    replays = Replays(window=10)
    assert replays.refuse(b"a", 100.0, now=95) == ""
    assert replays.refuse(b"a", 100.0, now=110) == REPEATED
    assert replays.refuse(b"a", 100.0, now=111) == UNTIMELY  # forgotten, and too old
    assert not replays._taken and replays._count == 0
    assert [replays.refuse(b"b", date, now=100) for date in (None, 89.9, 110.1)] == [UNTIMELY] * 3


def test_what_is_forgotten_for_lack_of_room_is_refused():
    replays = Replays(window=1000, most=5)
    names = [bytes([number]) for number in range(20)]
    taken = [name for second, name in enumerate(names) if not replays.refuse(name, float(second), now=20)]
    assert taken == names and replays._count == 5
    assert {replays.refuse(name, float(second), now=20) for second, name in enumerate(names[:15])} == {UNTIMELY}
    assert {replays.refuse(name, float(second), now=20) for second, name in enumerate(names[15:], 15)} == {REPEATED}
