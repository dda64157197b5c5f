import numpy as np
import pytest

from components.training.label_splits import split_again


@pytest.mark.parametrize("seed", [0, 1])
def test_each_person_is_in_every_part_and_each_picture_in_one(seed):
    labels = np.random.default_rng(seed).integers(0, 12, 150)
    parts = split_again(labels)
    np.testing.assert_array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(150))
    for rows in parts.values():
        assert set(labels[rows]) == set(labels)
    assert len(parts["train"]) > len(parts["test"]) > len(parts["valid"])


def test_people_with_few_pictures_are_learned_before_they_are_asked_for():
    parts = split_again(np.array([4, 7, 7, 9, 9, 9]))
    assert {split: rows.tolist() for split, rows in parts.items()} == {"train": [0, 2, 5], "valid": [4], "test": [1, 3]}
    assert all(rows.dtype.kind == "i" and not len(rows) for rows in split_again(np.zeros(0, int)).values())
