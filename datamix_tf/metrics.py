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


def advantage(score: float, chance: float) -> float:
    """How far above chance an attack's score is, as a share of what there is to gain: 0 for guessing, 1 for all."""
    return (score - chance) / max(1 - chance, 1e-9)
