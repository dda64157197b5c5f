"""The figures of the obfuscation paper as rows: every point once, at levels that its split layer has."""

import pytest
from msgspec.structs import replace

from datamix_tf.models.splitnet import CONV_FILTERS, DENSE_UNITS
from pipeline.experiments.obfuscation import (
    FIGURES,
    IN_FIGURE,
    LAYERS,
    MAX_DROP,
    MIDDLE,
    MOST,
    TRADE_OFFS,
    Point,
    points,
    rows,
    scores,
)
from pipeline.experiments.rows import FIRST_HIDDEN, HIDDEN
from tests import pages

ALL = points(FIGURES, (MIDDLE,), tuple(TRADE_OFFS))


def test_every_figure_has_its_points():
    assert {point.method for point in ALL} == {"none", "bounded", *TRADE_OFFS}
    assert {point.split_layer for point in ALL if point.method == "bounded" and point.level == MAX_DROP} == set(LAYERS)
    for method in IN_FIGURE[6]:
        levels = {point.level for point in ALL if (point.method, point.split_layer) == (method, MIDDLE)}
        assert set(map(float, TRADE_OFFS[method])) <= levels
    assert {point.method for point, label in ALL.items() if label == HIDDEN} == {"none", "signal", "adversarial"}


def test_levels_are_those_that_a_split_layer_has():
    chosen = points((6,), (2, 6), tuple(TRADE_OFFS))
    assert {point.split_layer for point in chosen} == {2, 6}
    assert max(point.level for point in chosen if point.split_layer == 2) == 32
    assert MOST["signal"] == (*CONV_FILTERS, *DENSE_UNITS, 2)


def test_figure_2_needs_the_networks_alone():
    assert not points((2,), (MIDDLE,), tuple(TRADE_OFFS))
    assert [row.attacks for row in rows({}, 0.01, 0.01)] == [(), ()]


def test_every_point_is_another_defence_with_a_model_of_its_own():
    defences = [point.defence(0.01, 0.02) for point in ALL]
    assert len(set(defences)) == len({defence.model_name for defence in defences}) == len(ALL)
    for point, defence in zip(ALL, defences, strict=True):
        assert defence.num_pre_blocks == point.split_layer - 1
        assert defence.needs_people == (point.method in ("adversarial", "bottleneck", "shredder"))


@pytest.mark.parametrize("point", [Point("bounded", 4, MAX_DROP, "signal"), Point("pruning", 4, 16.0)])
def test_rows_of_the_metrics_become_points_again(point):
    defence = point.defence(0.01, 0.01)
    more = {"rank_sent": 3} if point.method == "bounded" else {}
    attacks = {"a": pages.attack(0.5), "identity": pages.attack(0.75)}
    row = pages.row(defence.id, "m", {**defence.settings, "seed": 2}, attacks, sent=7, accuracy=0.25, macs=5)
    metrics = pages.metrics([{**row, **more, "logit_change": 0.1}])
    metrics = replace(metrics, dataset=replace(metrics.dataset, hidden=("identity", "a")))
    (found,) = scores(metrics, {}, {point: FIRST_HIDDEN}, 0.01, 0.01)["rows"]
    assert (found["method"], found["split_layer"], found["level"]) == (point.method, 4, point.level)
    assert found["network"] == f"{point.network}-seed2" and found["in_use"] == more.get("rank_sent", point.level)
    assert list(found["attacks"].items()) == [(name, attacks[name]) for name in ("identity", "a")]
    assert (found["edge_macs"], found["bytes_up"], found["difference"]) == (5, 7, None)
