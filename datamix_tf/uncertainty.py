"""How far a figure on test examples may be off: standard errors and intervals by the bootstrap.

What is drawn again is what is independent of each other: a test example with all of its labels, or a whole group, whose
inputs went into the same mixtures. So a mean of 40 columns of one example counts as one draw, not as 40 and not as one
coin: columns that are not alike make its error smaller than that of one of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from datamix_tf.typing import Array

DRAWS, CHUNK = 1000, 50
TAIL = 0.025  # on each side of an interval
NORMAL = 1.96  # standard errors from the middle to an end of it


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """How far a figure may be off.

    Attributes:
        error: Its standard error; NaN where nothing tells it.
        interval: The ends of its 95 % interval.
    """

    error: float
    interval: tuple[float, float]


def in_groups(count: int, group_size: int) -> tuple[Array, ...]:
    """Units of rows `[count]` that lie group by group: each row by itself and, of more than one row, each group."""
    rows = np.arange(count)
    return (rows,) if group_size == 1 else (rows, rows // group_size)


def normal(value: float, error: float) -> Uncertainty:
    """Of a figure with a known standard error, whose law is about normal."""
    return Uncertainty(error, (value - NORMAL * error, value + NORMAL * error))


def of_mean(values: Array, *units: Array) -> Uncertainty:
    """Of the mean of numbers.

    Args:
        values: Float array `[n]`, for example 1 for a hit and 0 for a miss.
        units: Int arrays `[n]`, each one way to say which rows belong together; the largest error counts.

    Returns:
        The standard error and the percentile interval of `DRAWS` draws of units. Where all are hits, or all misses, no
        draw differs, and the interval ends where such a result becomes rarer than one in 40 (Clopper and Pearson).

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), 6 and 13.3; one unit less is drawn than
        there are, so that the variance has no bias (Rao and Wu, JASA 83, 1988).
    """
    values = np.asarray(values, np.float64)
    found = _largest(np.stack([values, np.ones(len(values))], 1), lambda sums: sums[..., 0] / sums[..., 1], units)
    count = min((len(np.unique(unit)) for unit in units if len(np.unique(unit)) > 1), default=1)
    rest = 1 - TAIL ** (1 / count)
    if len(values) and (values == 0).all():
        return dataclasses.replace(found, interval=(0.0, rest))
    if len(values) and (values == 1).all():
        return dataclasses.replace(found, interval=(1 - rest, 1.0))
    return found


def of_balanced_accuracy(labels: Array, predictions: Array, *units: Array) -> Uncertainty:
    """Of `datamix_tf.metrics.balanced_accuracy`.

    Args:
        labels: As there, `[n]` or `[n, columns]`.
        predictions: Likewise.
        units: As of `of_mean`. Columns of which a draw has one class alone are left out of it.

    Returns:
        As `of_mean`; NaN if no column has two classes.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.ndim == 1:
        labels, predictions = labels[:, None], predictions[:, None]
    told, column = [], []
    for index, (truth, guess) in enumerate(zip(labels.T, predictions.T, strict=True)):
        classes = np.unique(truth)
        for value in classes if len(classes) > 1 else ():
            told += [(truth == value) & (guess == value), truth == value]
            column.append(index)
    if not column:
        return Uncertainty(float("nan"), (float("nan"), float("nan")))
    member = (np.array(column)[:, None] == np.unique(column)[None]).astype(np.float64)

    def balanced(sums: Array) -> Array:
        hits, counts = sums[..., 0::2], sums[..., 1::2]
        seen = counts > 0
        recalls = np.divide(hits, counts, out=np.zeros_like(hits), where=seen)
        classes = seen @ member
        scores = np.divide(recalls @ member, classes, out=np.zeros_like(classes), where=classes > 1)
        columns = (classes > 1).sum(-1)
        return np.where(columns > 0, scores.sum(-1) / np.maximum(columns, 1), np.nan)

    return _largest(np.stack(told, 1).astype(np.float64), balanced, units)


def _largest(rows: Array, figure: Callable[[Array], Array], units: tuple[Array, ...]) -> Uncertainty:
    """The largest uncertainty of a figure of sums over rows `[n, numbers]`, over ways to say what is a unit."""
    found = [_drawn(rows, figure, np.unique(unit, return_inverse=True)[1].reshape(-1)) for unit in units]
    return max(found, key=lambda one: -1.0 if np.isnan(one.error) else one.error)


def _drawn(rows: Array, figure: Callable[[Array], Array], unit: Array) -> Uncertainty:
    count = int(unit.max(initial=-1)) + 1
    if count < 2:
        whole = float(figure(rows.sum(0))) if len(rows) else float("nan")
        return Uncertainty(float("nan"), (whole, whole))
    sums = np.zeros((count, rows.shape[1]))
    np.add.at(sums, unit, rows)
    random, drawn = np.random.default_rng(0), []
    for _ in range(0, DRAWS, CHUNK):
        chosen = random.integers(0, count, (CHUNK, count - 1)) + count * np.arange(CHUNK)[:, None]
        times = np.bincount(chosen.reshape(-1), minlength=CHUNK * count).reshape(CHUNK, count)
        drawn.append(figure(times.astype(np.float64) @ sums))
    values = np.concatenate(drawn)
    values = values[~np.isnan(values)]
    if not len(values):
        return Uncertainty(float("nan"), (float("nan"), float("nan")))
    low, high = np.quantile(values, (TAIL, 1 - TAIL))
    return Uncertainty(float(values.std()), (float(low), float(high)))
