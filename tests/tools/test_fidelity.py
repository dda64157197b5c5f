"""docs/results/fidelity.md is what the tool computes; what is not as printed has a reason."""

import pytest

from tools.fidelity import PATH, compared, page


def test_the_page_is_up_to_date():
    found = page()
    assert PATH.read_text(encoding="utf-8") == found, "python -m tools.fidelity writes it"
    assert "| differs |" not in found


@pytest.mark.parametrize(
    ("value", "printed", "why"),
    [
        (12.25, "12.3", ""),
        (11.2176, "11.21", "the paper cuts off where rounding gives 11.22"),
        (29.9, "47.13", "differs"),
    ],
)
def test_how_figures_are_compared(value, printed, why):
    assert compared(value, printed) == why
