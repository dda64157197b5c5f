import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from datamix_tf.metrics import auc_of_trials, balanced_accuracy, best_thresholds, mean_auc


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6), classes=st.integers(2, 5))
def test_balanced_accuracy_is_scikit_learns(seed, classes):
    rng = np.random.default_rng(seed)
    labels, guesses = np.arange(60) % classes, rng.integers(0, classes, 60)
    assert balanced_accuracy(labels, guesses) == pytest.approx(balanced_accuracy_score(labels, guesses))


def test_always_guessing_the_majority_is_one_half():
    labels = (np.arange(100) < 7).astype(int)[:, None]
    assert balanced_accuracy(labels, np.zeros_like(labels)) == 0.5


def test_columns_with_one_class_are_left_out():
    labels = np.array([[0, 1], [0, 0], [0, 1], [0, 0]])
    assert balanced_accuracy(labels, labels) == 1.0
    assert np.isnan(balanced_accuracy(labels[:, :1], labels[:, :1]))


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 40))
def test_no_threshold_is_better(seed, n):
    rng = np.random.default_rng(seed)
    scores, labels = rng.normal(size=(n, 1)), rng.integers(0, 2, (n, 1))
    labels[:2, 0] = 0, 1
    best = balanced_accuracy(labels, scores > best_thresholds(labels, scores))
    for threshold in [*scores[:, 0], scores.min() - 1, scores.max() + 1]:
        assert best >= balanced_accuracy(labels, scores > threshold) - 1e-12


def test_auc_of_classes_and_columns():
    labels = np.array([0, 0, 1, 1, 2, 2])
    assert mean_auc(labels, np.eye(3)[labels]) == 1.0
    assert mean_auc(np.array([[0], [1], [0], [1]]), np.array([[0.1], [0.9], [0.8], [0.7]])) == pytest.approx(0.75)


def test_the_error_of_an_area_is_that_of_repeated_measurements_of_clustered_trials():
    """Members of a cluster share half of their variance: the naive error is too small, the clustered one is right."""
    random, found, errors, naive = np.random.default_rng(0), [], [], []
    clusters, labels = np.repeat(np.arange(30), 10), np.tile([0, 1], 150)
    for _ in range(300):
        own = labels * (0.5 + random.normal(size=30)[clusters])  # a cluster's ones are alike
        scores = own + random.normal(size=300)
        auc, error = auc_of_trials(labels, scores, clusters)
        found.append(auc)
        errors.append(error)
        naive.append(auc_of_trials(labels, scores, np.arange(300))[1])
        assert np.isclose(auc, roc_auc_score(labels, scores))
    # The standard deviation of 300 draws has a relative error of 4 %.
    assert 0.85 < np.mean(errors) / np.std(found) < 1.15 and np.mean(naive) / np.std(found) < 0.8
    assert auc_of_trials(labels, scores, np.arange(300), clusters)[1] == errors[-1]
    assert auc_of_trials([0, 0, 1, 1], [-np.inf, -np.inf, 0, np.inf], np.arange(4)) == (1, 0)
    for bad in ([0.0, np.nan], [0.0]):
        with pytest.raises(ValueError, match="of both kinds"):
            auc_of_trials(np.arange(len(bad)), bad, np.arange(len(bad)))
