"""The answer at the end of a run, for runs of which it is plain what should be used."""

import pytest

from components.evaluation.answer import Limits, answer, leakage
from components.evaluator import summary
from datamix_tf.defences import Cloud, DataMix, Edge, EdgeHead
from tests.components.evaluation.rows import row

HEAD, SPLIT = EdgeHead(1, 256), DataMix(1, 8)


def asked(*rows, **limits):
    return answer(summary(rows), rows, Limits(**limits))


def rows(head=0.91, split=0.90, leak=0.1):
    return (
        row(Edge(), 0.92, 0.92, 40_000_000),
        row(Cloud(), 0.92, 0.92, 0, {"identity": 0.9}),
        row(SPLIT, split, 0.99, 2_000_000, {"identity": leak}),
        row(HEAD, head, 0.10, 3_000_000),
    )


def test_what_the_edge_can_do_alone_is_done_there():
    found = asked(*rows())
    assert found.defence == HEAD and found.models == ("edge_head-pre1-units256-seed0",)
    assert "run it on the edge" in found.text and "nothing is sent" in found.text
    # Where the edge is smaller still, the next best stands beside it, with what the cloud learns then.
    assert f"Where the edge cannot do 3.00 M multiply-adds: {SPLIT.label}" in found.text and "0.10" in found.text


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"max_edge_macs": 2_500_000}, SPLIT),
        ({"max_edge_macs": 1000}, Cloud()),
        ({"max_accuracy_drop": 0.005}, Edge()),
        ({"max_accuracy_drop": 0.015, "max_edge_macs": 2_500_000}, Cloud()),
    ],
)
def test_limits(limits, expected):
    assert asked(*rows(), **limits).defence == expected


def test_test_figures_decide_nothing():
    better_on_test = [row(one.defence, one.valid_accuracy, 1 - one.test_accuracy, one.edge_macs) for one in rows()]
    assert asked(*better_on_test).defence == asked(*rows()).defence


def test_no_method_keeps_the_limits():
    found = asked(*rows(leak=0.4), max_leakage=0.3, max_edge_macs=2_500_000)
    assert found.defence is None and found.models == ()
    assert "No method of this run keeps the limits" in found.text
    for reason in ("leakage 0.40 for at most 0.3", "leakage 1.00 for at most 0.3", "40.00 M multiply-adds on the edge"):
        assert reason in found.text


def test_what_was_not_measured_counts_as_all():
    (entry,) = summary([row(SPLIT, 0.9, 0.9)])
    assert leakage(entry, [row(SPLIT, 0.9, 0.9)]).share == 1.0
    assert "take it for all" in asked(row(SPLIT, 0.9, 0.9)).text


def test_the_worst_attack_is_the_one_that_counts():
    attacked = row(SPLIT, 0.9, 0.9, attacks={"identity": 0.2, "other": 0.6, "worse than guessing": -0.1})
    (entry,) = summary([attacked])
    found = leakage(entry, [attacked])
    assert (round(found.share, 6), found.by) == (0.6, "other")
