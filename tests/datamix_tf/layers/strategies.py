"""What layers are tried on: shapes of an example, of any rank, and seeds."""

from hypothesis import strategies as st

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)
seeds = st.integers(0, 2**31)
