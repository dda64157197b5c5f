"""The arithmetic of the benchmarks of private inference, on values that can be checked by hand."""

import json

import numpy as np
import pytest

from benchmarks import bench_link, bench_private_inference
from benchmarks.bench_private_inference import CKKS, CLOUD, EIGHT, ONE, PROTECTION, Alternative, Measured
from datamix_tf.costs import transmission_seconds
from tests.conftest import REPOSITORY


def test_queries_in_turns_count_what_they_cost():
    asked, sent = [], [0]

    def query(pictures):
        asked.append(pictures.tolist())
        sent[0] += 100 * len(pictures)
        return np.zeros((len(pictures), 2))

    started = {"eight": Alternative(query, lambda: (sent[0], sent[0] // 10, 0), inputs=8)}
    measured = bench_private_inference.measure(started, np.arange(20), rounds=3)["eight"]
    assert [pictures[0] for pictures in asked] == [0, 0, 1, 2] and {len(pictures) for pictures in asked} == {8}
    assert bench_private_inference.bytes_of(measured, 8) == [100.0, 10.0, 0.0]  # for one picture, the first not counted
    assert len(measured.seconds) == len(measured.scores) == 3


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_figures_of_private_inference(capsys):
    results = {
        CLOUD: Measured([0.1, 0.1], [(100, 0, 0)] * 2),
        ONE: Measured([0.2, 0.1], [(400, 100, 0)] * 2, one_time={"key_bytes": 7}),
        EIGHT: Measured([0.1, 0.1], [(800, 160, 40)] * 2),  # seconds for one picture, bytes for eight
        CKKS: Measured([40.0, 60.0], [(90_000, 10_000, 0)] * 2),
    }
    inputs = {CLOUD: 1, ONE: 1, EIGHT: 8, CKKS: 1}
    bench_private_inference.report("loopback", results, inputs, {name: {} for name in results})
    found = {(line["benchmark"], line["alternative"]): line for line in lines(capsys)}
    line = found["a query / a query of the plain cloud, time", ONE]
    assert line["ratio"] == 1.5 and line["latency_ms"] == 150 and line["key_bytes"] == 7
    line = found["a query / a query of the plain cloud, time", EIGHT]
    assert (line["bytes_up"], line["bytes_down"], line["bytes_between"]) == (100, 20, 5)
    line = found["CKKS / this alternative, time", ONE]
    assert (line["ratio"], line["quartiles"], line["met"]) == (400.0, [300.0, 500.0], True)
    assert found["CKKS / this alternative, bytes", ONE]["ratio"] == 200.0
    assert found["CKKS / this alternative, bytes", EIGHT]["ratio"] == 800.0
    assert ("CKKS / this alternative, time", CKKS) not in found


def test_quality_is_against_labels_and_against_the_plain_network():
    one = Measured(scores=[np.array([0.0, 1.5]), np.array([0.0, 0.1])])
    near = bench_private_inference.quality(one, np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([1, 0]))
    assert near == {"n": 2, "right": 1, "decisions_as_plain": 1, "largest_logit_deviation": 2.0, "largest_logit": 2.0}


def test_computed_times_are_equation_1s():
    results = {ONE: Measured([1.0], [(8000, 800, 0)]), "edge": Measured([1.0], [(0, 0, 0)])}
    moved = bench_private_inference.computed(results, {ONE: 8, "edge": 1})
    assert moved[ONE].seconds == pytest.approx([1 + transmission_seconds(8000, 800) / 8])
    assert moved["edge"].seconds == [1.0]  # nothing sent, no round trip


@pytest.mark.parametrize("shaped", [True, False])
def test_figures_of_the_link(capsys, shaped):
    def taken(up, near, far):
        one = bench_link.Taken(loopback=[bench_link.Asked(near, up, 0)] * 3)
        if shaped:
            one.kept = one.new = [bench_link.Asked(far, up, 0)] * 3
            one.packets = [(up + 40, 40)] * 3
        return one

    up = 15 * 2**20 // 8 // 10  # 0.1 s of the link
    bench_link.report({"sent": "maps"}, taken(up, 0.05, 0.5), taken(up // 2, 0.05, 0.25))
    line, *rest = lines(capsys)
    assert (line["bytes_up"], line["bytes_ratio"], line["sent"]) == (up, 2.0, "maps")
    if shaped:
        assert line["ratio"] == 2.0 and line["link_ms"] == 500 and line["packet_bytes"] == [up + 40, 40]
        assert [one["ratio"] for one in rest] == [3.0] and rest[0]["equation_1_ms"] == 150
    else:
        assert not rest and line["ratio"] == 1.33 and line["link_ms"] == 200


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(bench_private_inference.importlib.util, "find_spec", lambda package: None)
    assert bench_private_inference.missing(CKKS) == "tenseal is not installed; pip install tenseal mpyc"
    assert bench_private_inference.missing(ONE) == ""


def test_the_docs_say_what_the_benchmark_says_is_protected():
    text = " ".join((REPOSITORY / "docs" / "results" / "private_inference.md").read_text(encoding="utf-8").split())
    for name, protection in PROTECTION.items():
        assert f"| {name} | {protection} |" in text, name
