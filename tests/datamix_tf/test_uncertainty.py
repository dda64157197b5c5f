"""Standard errors and intervals against repeated measurements of one and the same attacker."""

import numpy as np
import pytest

from datamix_tf.attacks import AttackScore
from datamix_tf.metrics import balanced_accuracy
from datamix_tf.uncertainty import in_groups, of_balanced_accuracy, of_mean

REPEATS, TOLD = 200, 12
#: The relative error of a standard deviation of 200 draws is 1 / sqrt(400), 5 %; that of the mean of 12 bootstrap
#: errors less than 1 / sqrt(12 * 2 * 40), 3 %, for 40 units: 6 %, four of them.
NEAR = pytest.approx(1, abs=0.24)


def guesses(random, examples, columns, shared):
    """0/1 labels with unequal frequencies, and guesses of them that share a part of what decides them."""
    labels = random.random((examples, columns)) < np.linspace(0.1, 0.6, columns)
    common = shared * random.normal(size=(examples, 1))
    return labels.astype(int), (common + random.normal(size=(examples, columns)) > 0).astype(int)


@pytest.mark.parametrize("shared, below", [(0.0, 0.35), (1.0, 0.8)])
def test_the_error_of_a_mean_of_columns_is_that_of_repeated_measurements(shared, below):
    """40 columns are less uncertain than one, and the less the fewer of them say the same."""
    random, found, told = np.random.default_rng(0), [], []
    for repeat in range(REPEATS):
        labels, named = guesses(random, 200, 40, shared)
        found.append(balanced_accuracy(labels, named))
        told += [of_balanced_accuracy(labels, named, *in_groups(200, 1))] if repeat < TOLD else []
    error = np.mean([one.error for one in told])
    assert error / np.std(found) == NEAR
    assert np.mean([one.interval[1] - one.interval[0] for one in told]) / (2 * 1.96 * np.std(found)) == NEAR
    assert all(one.interval[0] < score < one.interval[1] for one, score in zip(told, found, strict=False))
    # As one coin for each example: what was printed before.
    assert error < below * np.sqrt(0.25 / 200)


def test_what_a_group_shares_counts_once():
    """All eight of a group are read alike: eight times the variance of examples that are independent."""
    random, found, errors, naive = np.random.default_rng(1), [], [], []
    units = in_groups(320, 8)
    for repeat in range(REPEATS):
        labels = random.integers(0, 2, (320, 3))
        right = np.repeat(random.random((40, 3)) < 0.6, 8, axis=0)
        named = np.where(right, labels, 1 - labels)
        found.append(balanced_accuracy(labels, named))
        if repeat < TOLD:
            errors.append(of_balanced_accuracy(labels, named, *units).error)
            naive.append(of_balanced_accuracy(labels, named, units[0]).error)
            # 1,000 draws: 1 / sqrt(2000), 2 %; four of them.
            assert np.isclose(of_mean(right[:, 0], *units).error, np.sqrt(right[::8, 0].var() / 39), rtol=0.1)
    assert np.mean(errors) / np.std(found) == NEAR and np.mean(naive) / np.std(found) < 0.5


def test_a_share_without_hits_may_still_be_more_than_nothing():
    found = of_mean(np.zeros(64), *in_groups(64, 8))
    # Of 8 groups: (1 - p)^8 = 0.025.
    assert found.error == 0 and found.interval == pytest.approx((0, 1 - 0.025 ** (1 / 8)))
    assert of_mean(np.ones(10), np.arange(10)).interval == pytest.approx((0.025**0.1, 1))


def test_a_single_group_is_told_by_its_examples_and_a_single_example_by_nothing():
    values = np.array([0.0, 1, 1, 0])
    assert of_mean(values, *in_groups(4, 4)) == of_mean(values, np.arange(4))
    assert np.isnan(of_mean(values[:1], np.arange(1)).error)


def test_a_column_of_one_class_says_nothing():
    labels, named = guesses(np.random.default_rng(2), 100, 2, 0.0)
    constant = np.zeros((100, 1), int)
    alone = of_balanced_accuracy(labels, named, np.arange(100))
    assert of_balanced_accuracy(np.hstack([labels, constant]), np.hstack([named, constant]), np.arange(100)) == alone
    assert np.isnan(of_balanced_accuracy(constant, constant, np.arange(100)).error)


def test_a_score_that_is_no_share_of_hits_must_say_how_far_it_may_be_off():
    with pytest.raises(ValueError, match=r"expected a spread or an uncertainty .* received the measure 'balanced_acc"):
        AttackScore(0.6, 0.5, 100, "balanced_accuracy")
    assert AttackScore(0.6, 0.5, 100, "accuracy").standard_error == pytest.approx(np.sqrt(0.24 / 100))
    assert AttackScore(0.6, 0.5, 100, "auc", spread=0.1).interval == pytest.approx((0.5804, 0.6196))
