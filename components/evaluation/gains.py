"""What a cloud gains over what the edge could do alone, with its standard error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from components.records.metrics import Gain, Row, SummaryEntry
from datamix_tf.typing import Array
from datamix_tf.uncertainty import in_groups, of_mean

#: Test examples that the evaluator gives to a model together; groups are made of them.
BATCH_SIZE = 256


def with_gains(
    summary: Sequence[SummaryEntry], rows: Sequence[Row], right: Mapping[str, Array]
) -> tuple[SummaryEntry, ...]:
    """The summary, in which every method that sends something says what it gains over the edge alone.

    The edge alone is the method with a small head behind the same blocks (`Defence.edge_alone`); of several the
    one that is most accurate on the validation split. Methods without blocks on the edge are compared with the best of
    all.

    Args:
        summary: Methods.
        rows: Their rows, one for each seed.
        right: Model -> how right it is on each test example, `[n]` from 0 to 1, the same examples for all models.
    """
    count = len(next(iter(right.values()), ()))
    alone = [entry for entry in summary if entry.defence.edge_alone]

    def gain(entry: SummaryEntry) -> Gain | None:
        blocks = entry.defence.num_pre_blocks
        rivals = [rival for rival in alone if not blocks or rival.defence.num_pre_blocks == blocks]
        if entry.defence.sends_nothing or not rivals:
            return None
        best = max(rivals, key=lambda rival: rival.mean["valid_accuracy"])
        pairs = zip(entry.members(rows), best.members(rows), strict=True)
        size = max(entry.defence.group_size, best.defence.group_size)
        differences = [right[mine.model] - right[other.model] for mine, other in pairs]
        share, error = mean_and_error(differences, *evaluated_together(count, size))
        return Gain(over=best.label, share=share, standard_error=error, n=count)

    return tuple(msgspec.structs.replace(entry, gain=gain(entry)) for entry in summary)


def evaluated_together(count: int, group_size: int) -> tuple[Array, ...]:
    """Units of test examples `[count]`: each by itself and, where groups are mixed, those that were in one group."""
    if group_size == 1:
        return in_groups(count, 1)
    rows = np.arange(count)
    return rows, rows // BATCH_SIZE * BATCH_SIZE + rows % BATCH_SIZE // group_size


def mean_and_error(differences: Sequence[Array], *units: Array) -> tuple[float, float]:
    """Mean and standard error of paired differences on one test set, over seeds.

    Other test examples and other seeds would both give another mean; their variances are added.

    Args:
        differences: For each seed the difference on each test example, `[n]`.
        units: Int arrays `[n]`, each one way to say which examples are not independent of each other, as of
            `datamix_tf.uncertainty.of_mean`; default: all are.
    """
    by_example = np.mean(differences, axis=0)
    means = [float(np.mean(one)) for one in differences]
    error = of_mean(by_example, *(units or in_groups(len(by_example), 1))).error
    variance = 0.0 if np.isnan(error) else error**2
    if len(means) > 1:
        variance += float(np.var(means, ddof=1)) / len(means)
    return float(np.mean(means)), variance**0.5
