"""The gain of a cloud over the edge alone, and its standard error."""

import numpy as np
import pytest

from components.evaluation.gains import evaluated_together, mean_and_error, with_gains
from components.evaluator import summary
from datamix_tf.defences import Cloud, DataMix, Edge, EdgeHead
from tests.components.evaluation.rows import row


def test_the_best_head_on_validation_data_is_the_rival():
    rng = np.random.default_rng(0)
    heads = [row(EdgeHead(1, 0), 0.80, 0.99), row(EdgeHead(1, 256), 0.85, 0.70), row(EdgeHead(3, 256), 0.99, 0.99)]
    rows = [row(DataMix(1, 8), 0.9, 0.9), row(Cloud(), 0.9, 0.9), row(Edge(), 0.9, 0.9), *heads]
    right = {one.model: (rng.random(2000) < one.test_accuracy).astype(float) for one in rows}
    found = {entry.defence: entry.gain for entry in with_gains(summary(rows), rows, right)}
    gain = found[DataMix(1, 8)]
    assert gain.over == EdgeHead(1, 256).label and gain.n == 2000
    # Independent of each other: sqrt((0.9 * 0.1 + 0.7 * 0.3) / 2000) = 1.2 points. An error from 250 groups is itself
    # uncertain by 1 / sqrt(500), and by 1 / sqrt(2000) from 1,000 draws: 5 % of it; four of them.
    assert gain.standard_error == pytest.approx(0.0122, rel=0.2) and abs(gain.share - 0.2) < 4 * 0.0122
    assert found[Cloud()].over == EdgeHead(3, 256).label
    assert found[Edge()] is None and found[EdgeHead(1, 0)] is None


def test_without_an_edge_alone_there_is_no_gain():
    rows = [row(DataMix(1, 8), 0.9, 0.9), row(EdgeHead(3, 0), 0.9, 0.9)]
    right = {one.model: np.ones(10) for one in rows}
    assert [entry.gain for entry in with_gains(summary(rows), rows, right)] == [None, None]


def test_the_standard_error_covers_examples_and_seeds():
    # 400 runs with known mean 0.1: seeds move each run's mean by 0.02, examples by 0.3 each.
    rng, scores = np.random.default_rng(1), []
    for _ in range(400):
        examples = rng.normal(0, 0.3, 500)
        seeds = [0.1 + rng.normal(0, 0.02) + examples for _ in range(5)]
        mean, error = mean_and_error(seeds)
        scores.append((mean - 0.1) / error)
    # Standard scores: their variance is 1, a little more with five seeds (t, 4 degrees) for part of it.
    assert 0.8 < np.var(scores) < 1.35


def test_groups_that_are_right_or_wrong_together_count_once():
    """S_G=8: eight examples share a key, so errors that come from it are shared."""
    rng = np.random.default_rng(2)
    rows = [row(DataMix(1, 8), 0.9, 0.9), row(EdgeHead(1, 0), 0.9, 0.9)]
    right = {rows[0].model: np.repeat(rng.random(256) < 0.5, 8).astype(float), rows[1].model: np.zeros(2048)}
    gain = with_gains(summary(rows), rows, right)[0].gain
    assert gain.standard_error == pytest.approx(0.5 / np.sqrt(256), rel=0.15) and gain.n == 2048
    # The evaluator computes 256 examples together: groups do not reach over that.
    units = evaluated_together(600, 192)[1]
    assert [len(np.unique(units[i : i + 256])) for i in (0, 256, 512)] == [2, 2, 1] and len(np.unique(units)) == 5


def test_one_seed_and_one_example():
    assert mean_and_error([np.array([0.5])]) == (0.5, 0.0)
