"""Figures as the pages write them."""

import pytest

from tools.charts.measured import Measured, measured, spreads


@pytest.mark.parametrize(
    ("cell", "value", "spread", "beside"),
    [
        ("87.3", 87.3, None, ""),
        ("**88.2 ± 0.9**", 88.2, 0.9, ""),
        ("4.96M (0.09G)", 4.96e6, None, "0.09G"),
        ("9.9 M", 9.9e6, None, ""),
        ("0.3 ± 0.1 (0.6)", 0.3, 0.1, "0.6"),
        ("12,288", 12288.0, None, ""),
        ("788 MB", 788.0, None, ""),
        ("-0.85 (-0.56)", -0.85, None, "-0.56"),
        ("0.562 (0.013; 8 pools)", 0.562, None, "0.013; 8 pools"),
        ("**0.680** (0.70 in a longer training)", 0.680, None, "0.70 in a longer training"),
    ],
)
def test_a_figure_is_read(cell, value, spread, beside):
    assert measured(cell) == Measured(value, spread, beside)


@pytest.mark.parametrize("cell", ["", "not measured", "1.0 to 2.0", "84.9, 72.7", "87.3 %", "± 1"])
def test_anything_else_is_refused(cell):
    with pytest.raises(ValueError, match="Expected a figure"):
        measured(cell)


def test_the_number_in_brackets():
    assert measured("0.562 (0.013; 8 pools)").bracket() == 0.013
    assert measured("8.4 (1.0)").bracket() == 1.0
    with pytest.raises(ValueError, match="Expected a figure"):
        measured("8.4").bracket()


def test_spreads_are_drawn_where_one_is_known():
    assert spreads([Measured(1.0), Measured(2.0)]) is None
    assert spreads([Measured(1.0), Measured(2.0, 0.5)]) == [0.0, 0.5]
