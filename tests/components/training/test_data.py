import numpy as np
import pytest

from components.training.data import arrays, batches, steps
from serving.edge.preprocess import SpeechPreprocessing
from tests import datasets
from tests.components.ingest import ingest, transform


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return transform(ingest(datasets.pictures(folder / "faces"), folder), folder)


def test_training_batches_are_whole_and_repeatable(examples):
    an_epoch = steps(examples.schema(), "train", 16)
    assert an_epoch == examples.schema().splits["train"] // 16

    def drawn(count, **changes):
        settings = {"seed": 3, "augment": ("flip", "shift", "mask"), "mixup": 2, **changes}
        return list(batches(examples, "train", 16, **settings).take(count).as_numpy_iterator())

    first = drawn(3 * an_epoch)
    # Again from the start, and from the third epoch on.
    for (x, y), (again, labels) in zip(
        first + first[2 * an_epoch :], [*drawn(3 * an_epoch), *drawn(an_epoch, first_epoch=2)], strict=True
    ):
        assert x.shape == (16, 32, 32, 3) and x.dtype == np.float32
        np.testing.assert_array_equal(x, again)
        np.testing.assert_array_equal(y, labels)
    assert any((first[0][0] != x).any() for x, _ in drawn(1, seed=4))


def test_an_epoch_holds_every_example_once_in_an_order_of_its_own(examples):
    count = examples.schema().splits["train"]
    rows = [x.tobytes() for x, _ in batches(examples, "train", 1, seed=0).take(2 * count).as_numpy_iterator()]
    assert sorted(rows[:count]) == sorted(rows[count:]) and rows[:count] != rows[count:]
    assert len(set(rows[:count])) == len({x.tobytes() for x in arrays(examples, "train")[1].astype("float32")})


def test_arrays_do_not_put_one_class_side_by_side(tmp_path):
    folder = datasets.recordings(tmp_path / "words", n=90)
    _, _, keywords = arrays(transform(ingest(folder, tmp_path), tmp_path, SpeechPreprocessing()), "train")
    changes = int((np.diff(keywords) != 0).sum())
    # In random order half of the neighbours differ: about 25 of 50, with a standard deviation of 3.5. Sorted: 1.
    assert changes > len(keywords) / 2 - 4 * 3.5
