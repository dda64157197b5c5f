"""Accuracy that unbalanced labels cannot flatter."""

from __future__ import annotations

import numpy as np

from datamix_tf.typing import Array


def balanced_accuracy(labels: Array, predictions: Array) -> float:
    """Mean over classes of the share that is recognised, averaged over columns.

    Args:
        labels: Int array `[n]` of classes, or `[n, columns]` of 0/1 labels.
        predictions: Likewise. A column with one class only among the labels is left out.

    Returns:
        A float from 0 to 1; NaN if no column has two classes.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.ndim == 1:
        labels, predictions = labels[:, None], predictions[:, None]
    scores = []
    for truth, guess in zip(labels.T, predictions.T, strict=True):
        classes = np.unique(truth)
        if len(classes) > 1:
            scores.append(np.mean([(guess[truth == value] == value).mean() for value in classes]))
    return float(np.mean(scores)) if scores else float("nan")


def best_thresholds(labels: Array, scores: Array) -> Array:
    """For each column the threshold on its score with the best balanced accuracy; 0 where one class is missing.

    Args:
        labels: 0/1 array `[n, columns]`, of validation data.
        scores: Float array `[n, columns]`.

    Returns:
        Float array `[columns]`; predict 1 where `score > threshold`.
    """
    return np.array(
        [_best_threshold(*column) for column in zip(np.transpose(labels), np.transpose(scores), strict=True)]
    )


def _best_threshold(labels: Array, scores: Array) -> float:
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return 0.0
    order = np.argsort(scores)
    labels, scores = labels[order], scores[order]
    # Threshold between positions i - 1 and i: everything from i on is called 1.
    missed = np.concatenate([[0], np.cumsum(labels)]) / positives
    rejected = np.concatenate([[0], np.cumsum(1 - labels)]) / negatives
    edges = np.concatenate([[scores[0] - 1], (scores[1:] + scores[:-1]) / 2, [scores[-1] + 1]])
    return float(edges[np.argmax(rejected - missed)])


def mean_auc(labels: Array, scores: Array) -> float:
    """Area under the ROC curve, averaged over columns (0/1 labels) or over classes (one against the rest).

    Args:
        labels: Int array `[n]` of classes with `scores [n, classes]`, or `[n, columns]` with `scores [n, columns]`.
        scores: Float array; higher means more likely.

    Returns:
        A float from 0 to 1; columns with one class only are left out, NaN if none is left.
    """
    from sklearn.metrics import roc_auc_score

    labels, scores = np.asarray(labels), np.asarray(scores)
    if labels.ndim == 1:
        labels = (labels[:, None] == np.arange(scores.shape[1])).astype(int)
    columns = [k for k in range(labels.shape[1]) if 0 < labels[:, k].sum() < len(labels)]
    return float(roc_auc_score(labels[:, columns], scores[:, columns])) if columns else float("nan")


def auc_of_trials(labels: Array, scores: Array, *clusters: Array) -> tuple[float, float]:
    """Area under the ROC curve of single trials, with a standard error for trials that are not independent.

    Each trial moves the area by its placement: the share of the other kind that it beats. Placements are summed
    within clusters, and clusters are taken as independent. With every trial a cluster of its own this is DeLong's
    standard error.

    Args:
        labels: 0/1 array `[n]`, both kinds among them.
        scores: Float array `[n]`; higher means more likely 1. Infinite ones count as extremes.
        clusters: Int arrays `[n]`, each one way to cluster the trials; the largest standard error counts.

    Returns:
        `(auc, standard error)`; NaN for the latter with a single cluster.

    Raises:
        ValueError: If one kind is missing, or a score is not a number.

    Source: DeLong et al., Biometrics 44 (1988); for clusters Obuchowski, Biometrics 53 (1997).
    """
    from scipy.stats import rankdata

    labels, scores = np.asarray(labels).astype(bool), np.asarray(scores, np.float64)
    ones, zeros = int(labels.sum()), int((~labels).sum())
    if not ones or not zeros or np.isnan(scores).any():
        raise ValueError(f"Expected scores that are numbers, of both kinds. Received: {ones} ones, {zeros} zeros")
    ranks, placements = rankdata(scores), np.empty(len(scores))
    for own, others in ((labels, zeros), (~labels, ones)):
        placements[own] = (ranks[own] - rankdata(scores[own])) / others
    auc = float(placements[labels].mean())
    moves = np.where(labels, (placements - auc) / ones, (1 - auc - placements) / zeros)
    errors = [_clustered_error(moves, np.asarray(cluster)) for cluster in clusters]
    return auc, float(np.max(errors))


def _clustered_error(moves: Array, cluster: Array) -> float:
    sums = np.bincount(np.unique(cluster, return_inverse=True)[1], weights=moves)
    return float(np.sqrt(np.square(sums).sum() * len(sums) / (len(sums) - 1))) if len(sums) > 1 else float("nan")


def advantage(score: float, chance: float) -> float:
    """How far above chance an attack's score is, as a share of what there is to gain: 0 for guessing, 1 for all."""
    return (score - chance) / max(1 - chance, 1e-9)
