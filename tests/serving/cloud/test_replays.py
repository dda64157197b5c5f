"""What a gateway remembers of the requests that it answered."""

from serving.cloud.replays import FULL, REPEATED, UNTIMELY, Replays


def test_a_request_is_taken_once_and_in_time():
    replays = Replays(window=10)
    assert replays.refuse(b"a", 100.0, now=95) == ""
    assert replays.refuse(b"a", 100.0, now=110) == REPEATED
    assert replays.refuse(b"a", 100.0, now=111) == UNTIMELY  # forgotten, and too old
    assert not replays._taken and replays._count == 0
    assert [replays.refuse(b"b", date, now=100) for date in (None, 89.9, 110.1)] == [UNTIMELY] * 3


def test_what_is_forgotten_for_lack_of_room_is_refused():
    replays, now = Replays(window=1000, most=5), 200
    names = [bytes([number]) for number in range(20)]
    assert [replays.refuse(name, float(second), now) for second, name in enumerate(names)] == [""] * 20
    assert {replays.refuse(name, float(second), now) for second, name in enumerate(names[:16])} == {UNTIMELY}
    assert {replays.refuse(name, float(second), now) for second, name in enumerate(names[16:], 16)} == {REPEATED}


def test_requests_of_other_times_do_not_keep_out_those_of_now():
    """Who fills the memory with Dates to come makes others wait, and moves no window."""
    replays, now = Replays(window=300, most=5), 1000
    assert [replays.refuse(bytes([number]), now + 299.0, now) for number in range(6)] == [""] * 5 + [FULL]
    assert replays.refuse(b"honest", float(now), now) == FULL
    replays.forget(b"\0", now + 299.0)
    assert replays.refuse(b"honest", float(now), now) == "" and replays.refuse(b"honest", float(now), now) == REPEATED


def test_what_is_forgotten_twice_counts_once():
    """An answer that comes after its request's time is over takes no room that others have."""
    replays = Replays(window=10, most=2)
    assert replays.refuse(b"slow", 100.0, now=100) == "" and replays.refuse(b"other", 115.0, now=115) == ""
    replays.forget(b"slow", 100.0)
    assert replays._count == 1 and set(replays._taken) == {115}
