"""Shapes of an example, of any rank that layers take."""

from hypothesis import strategies as st

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)
