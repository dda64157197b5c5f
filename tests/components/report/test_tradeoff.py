import json

import pytest
from msgspec.structs import replace

from components.report.page import RunPage, model_card, render
from components.report.tradeoff import trade_off
from tests import pages


def test_every_method_of_every_run_is_a_point():
    drawn = trade_off([RunPage("a", pages.page()), RunPage("b", pages.page("audio"), pages.audit())])
    points = {point["label"]: point for point in drawn["points"]}
    assert len(points) == 6 and all(set(point["values"]) == set(drawn["axes"]) for point in points.values())
    leakage = {label: point["values"]["leakage"] for label, point in points.items()}
    assert leakage["a: all on the edge"] == 0 and leakage["a: all in the cloud"] == 1
    assert leakage["a: DataMix, N_pre=1, S_G=4"] == pytest.approx((0.99 - 0.7) / 0.3)
    assert "group_size 4" in points["b: DataMix, N_pre=1, S_G=4"]["settings"]
    json.dumps(drawn, allow_nan=False)


def test_a_method_that_nobody_attacked_is_not_called_safe():
    page = pages.page()
    rows = tuple(replace(row, attacks={}) for row in page.metrics.rows)
    page = replace(page, separation={}, metrics=replace(page.metrics, rows=rows))
    point = trade_off([RunPage("a", page)])["points"][-1]
    assert point["values"]["leakage"] is None and "not known" in point["note"]
    assert "nothing is known of what the cloud learns" in model_card(RunPage("a", page))
    assert "no attack was run on it" in render([RunPage("a", page)])
