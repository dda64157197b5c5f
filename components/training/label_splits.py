"""Which examples an attack on a label learns from, and which it is scored on."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from datamix_tf.typing import Array

if TYPE_CHECKING:  # a command's --help needs the names below alone
    from components.storage.artifacts import Examples

MODEL, TEST, AUTO = "model", "test", "auto"
IDENTITY_SPLITS = (AUTO, MODEL, TEST)
#: Of each value's examples in the test split, where that is split again.
VALID_SHARE, TEST_SHARE = 0.15, 0.2


@dataclasses.dataclass(frozen=True)
class LabelSplits:
    """Examples of a hidden column for an attack.

    Attributes:
        splits: `"train"`, `"valid"`, `"test"` -> `(x, y)`, of the classes that count, renumbered; `x` is read by rows
            (`components.training.splits.Rows`).
        classes: How many classes count.
        again: Whether these are parts of the model's test split alone.
    """

    splits: dict[str, tuple[Any, Array]]
    classes: int
    again: bool


def label_splits(examples: Examples, column: str, min_examples: int, identity_split: str = AUTO) -> LabelSplits:
    """The examples of an attack on a hidden column.

    The official lists of faces and speakers have other people in each split, so that a model is measured on people whom
    it has not seen. Who is shown can then not be learned in one split and asked in another: the pictures of the test
    split's people are split again, so that each of them is in all parts. (CelebA's test list has about 1,000 people,
    and the 0.1 % of DataMix's table 2 for an attacker who receives nothing is one of so many.)

    Args:
        examples: The artifact.
        column: The hidden column.
        min_examples: A value counts if it has so many examples to learn from and one to be scored on.
        identity_split: `"model"` takes the model's splits, `"test"` splits its test split again, and `"auto"` does so
            if fewer than two values are both in its train and its test split.
    """
    from components.training.splits import Rows, rows_of

    found = {split: rows_of(examples, split, column) for split in ("train", "valid", "test")}
    splits = {split: (Rows(x), y) for split, (x, y) in found.items()}  # of which some are taken without a copy
    in_both = np.intersect1d(splits["train"][1], splits["test"][1])
    again = identity_split == TEST or (identity_split == AUTO and len(in_both) < 2)
    if again:
        x, y = splits["test"]
        splits = {name: (x.taken(rows), y[rows]) for name, rows in split_again(y).items()}
    known = known_classes(splits["train"][1], splits["test"][1], min_examples)
    return LabelSplits({split: only(known, *pair) for split, pair in splits.items()}, len(known), again)


def split_again(labels: Array) -> dict[str, Array]:
    """Indices of labels `[n]` by split: of each value with three examples or more some in every split.

    Examples are taken in the order in which they come, of a value with two one each to learn from and to be scored on.
    """
    parts: dict[str, list[Array]] = {"train": [], "valid": [], "test": []}
    for value in np.unique(labels):
        rows = np.flatnonzero(labels == value)
        test = max(1, round(TEST_SHARE * len(rows))) if len(rows) > 1 else 0
        valid = max(1, round(VALID_SHARE * len(rows))) if len(rows) > 2 else 0
        for split, part in zip(("test", "valid", "train"), np.split(rows, [test, test + valid]), strict=True):
            parts[split].append(part)
    empty = np.zeros(0, int)
    return {split: np.sort(np.concatenate([empty, *found])) for split, found in parts.items()}


def known_classes(train: Array, test: Array, min_examples: int) -> Array:
    """Classes with at least `min_examples` train labels and one test label, sorted."""
    counts = np.bincount(train)
    seen = np.unique(test)
    return np.array([value for value in seen if value < len(counts) and counts[value] >= min_examples], dtype=int)


def only(known: Array, x: Any, y: Array) -> tuple[Any, Array]:
    """The examples of the known classes, with classes renumbered; of `Rows` they are not read yet."""
    from components.training.splits import taken

    keep = np.isin(y, known)
    return taken(x, keep), np.searchsorted(known, y[keep])
