"""Seeds of drawn examples."""

from hypothesis import strategies as st

seeds = st.integers(0, 2**31)
