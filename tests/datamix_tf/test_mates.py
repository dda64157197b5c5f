import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamix_tf.mates import arrange


@given(
    people=st.lists(st.integers(0, 6), min_size=1, max_size=60),
    group_size=st.integers(1, 5),
    mates=st.sampled_from(["any", "different", "same"]),
    seed=st.integers(0, 9),
)
def test_groups_are_whole_and_of_the_wanted_kind(people, group_size, mates, seed):
    order = arrange(people, group_size, mates, np.random.default_rng(seed))
    assert len(set(order.tolist())) == len(order) and len(order) % group_size == 0
    for group in np.array(people)[order].reshape(-1, group_size):
        if mates == "different":
            assert len(set(group.tolist())) == group_size
        if mates == "same":
            assert len(set(group.tolist())) == 1


@given(counts=st.lists(st.integers(1, 8), min_size=4, max_size=10), seed=st.integers(0, 9))
def test_different_mates_leave_out_no_more_than_needed(counts, seed):
    """Groups of two: everybody finds a mate unless one person has more examples than all others together."""
    people = np.repeat(np.arange(len(counts)), counts)
    order = arrange(people, 2, "different", np.random.default_rng(seed))
    alone = max(0, 2 * max(counts) - sum(counts))
    assert len(people) - len(order) == max(alone, sum(counts) % 2)


def test_unknown_mates():
    with pytest.raises(ValueError, match="`mates` must be one of"):
        arrange([0, 1], 2, "friends")
