"""The arithmetic of the benchmarks of private inference, on values that can be checked by hand."""

import numpy as np
import pytest

from benchmarks import bench_link, bench_private_inference
from benchmarks.bench_private_inference import CKKS, CLOUD, ONE, PROTECTION, Alternative, Measured
from datamix_tf.costs import transmission_seconds
from tests.conftest import REPOSITORY


def test_ratios_are_of_rounds():
    # By rounds 1, 2, 4 and 8; the ratio of the medians would be 3.
    assert bench_private_inference.ratios([1, 4, 4, 32], [1, 2, 1, 4]) == [3.0, 1.75, 5.0]


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


def test_a_line_of_figures():
    scores = [np.array([0.0, 1.0]), np.array([2.0, 0.0])]
    results = {
        CLOUD: Measured([0.1, 0.1], [(100, 0, 0), (100, 0, 0)], scores),
        ONE: Measured([0.2, 0.2], [(400, 100, 0), (400, 100, 0)], scores),
        CKKS: Measured([40.0, 60.0], [(90_000, 10_000, 0)] * 2, [np.array([0.0, 1.5]), np.array([0.0, 0.1])]),
    }
    plain = np.array([[0.0, 1.0], [2.0, 0.0]])
    line = bench_private_inference.figures(results, ONE, 1, plain, np.array([1, 0]))
    assert line["ckks_to_this"] == {"latency": [250.0, 225.0, 275.0], "bytes": 200.0}
    assert line["to_plain_cloud"] == {"latency": [2.0, 2.0, 2.0], "bytes": 5.0}
    line = bench_private_inference.figures(results, CKKS, 1, plain, np.array([1, 0]))
    assert (line["n"], line["right"], line["decisions_as_plain"], line["largest_logit_deviation"]) == (2, 1, 1, 2.0)


def test_computed_times_are_equation_1s():
    results = {ONE: Measured([1.0], [(8000, 800, 0)]), "edge": Measured([1.0], [(0, 0, 0)])}
    moved = bench_private_inference.computed(results, {ONE: 8, "edge": 1})
    assert moved[ONE].seconds == pytest.approx([1 + transmission_seconds(8000, 800) / 8])
    assert moved["edge"].seconds == [1.0]  # nothing sent, no round trip


@pytest.mark.parametrize("shaped", [True, False])
def test_a_line_of_the_link(shaped):
    def taken(up, near, far):
        one = bench_link.Taken(loopback=[bench_link.Asked(near, up, 0)] * 3)
        if shaped:
            one.kept = one.new = [bench_link.Asked(far, up, 0)] * 3
            one.packets = [(up + 40, 40)] * 3
        return one

    up = 15 * 2**20 // 8 // 10  # 0.1 s of the link
    line = bench_link.figures(taken(up, 0.05, 0.5), taken(up // 2, 0.05, 0.25))
    assert line["equation_1_ms"] == 150.0 and line["to_plain_cloud"]["bytes"] == 2.0
    if shaped:
        assert line["transfer_to_equation_1"] == [3.0] * 3 and line["packets_up"] == up + 40
        assert line["to_plain_cloud"]["latency"] == [2.0] * 3
    else:
        assert "link_ms" not in line and line["to_plain_cloud"]["latency"] == [round(0.2 / 0.15, 2)] * 3


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(bench_private_inference.importlib.util, "find_spec", lambda package: None)
    assert bench_private_inference.missing(CKKS) == "tenseal is not installed; pip install tenseal mpyc"
    assert bench_private_inference.missing(ONE) == ""


def test_the_docs_say_what_the_benchmark_says_is_protected():
    text = " ".join((REPOSITORY / "docs" / "private_inference.md").read_text(encoding="utf-8").split())
    for name, protection in PROTECTION.items():
        assert f"| {name} | {protection} |" in text, name
