"""The example's layer does what it says, and the attacks see what it sends."""

import numpy as np
import pytest

from components.errors import InputError
from examples import add_a_defence
from examples.add_a_defence import PatchShuffle
from tests.datamix_tf.layer_test import run_layer_test


def patches(x, size):
    """`[batch, rows, columns, size^2, channels]`."""
    n, height, width, channels = x.shape
    cut = x.reshape(n, height // size, size, width // size, size, channels).transpose(0, 1, 3, 2, 4, 5)
    return cut.reshape(n, height // size, width // size, size * size, channels)


def test_each_patch_keeps_its_pixels_in_another_order():
    # Every pixel has a number of its own, and its channels follow from that, so that pixels can be told apart.
    number = np.arange(3 * 8 * 12, dtype="float32").reshape(3, 8, 12, 1)
    x = np.concatenate([number, -number], -1)
    layer = PatchShuffle(4, seed=1)
    first, second = np.asarray(layer(x)), np.asarray(layer(x))
    for shuffled in (first, second):
        np.testing.assert_array_equal(shuffled[..., 0], -shuffled[..., 1])
        np.testing.assert_array_equal(np.sort(patches(shuffled, 4)[..., 0]), np.sort(patches(x, 4)[..., 0]))
    # Of 288 pixels one stays in its place on average; 20 would do so with a probability below 1e-10 per patch of 16.
    assert (first == x).all(-1).sum() < 60 and (first == second).all(-1).sum() < 60
    run_layer_test(layer, x)


def test_patches_of_one_pixel_change_nothing():
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    np.testing.assert_array_equal(PatchShuffle(1)(x), x)


def test_patches_that_do_not_fit():
    with pytest.raises(ValueError, match="at least 1"):
        PatchShuffle(0)
    with pytest.raises(ValueError, match="must divide height and width"):
        PatchShuffle(3)(np.zeros((1, 8, 9, 3), "float32"))


def test_the_new_defence_under_the_attacks(run_folder):
    flags = ["--run", run_folder, "--methods", "shuffle", "--epochs", "3", "--attack_epochs", "3"]
    scores = add_a_defence.main(flags)["shuffle"]
    # The pictures' colours survive the shuffling, hence both what is learned and the attack on it.
    assert scores["accuracy"] > 0.75 and scores["labels"].score > 0.75
    assert scores["people"].n > 40 and 0.2 < scores["people"].chance < 0.5
    assert "key of a group" not in scores  # nothing is mixed


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--methods", "magic"], "some of nothing, noise"),
        (["--patch", "5"], "must divide"),
        (["--run", "nowhere"], "finished pipeline.run"),
    ],
)
def test_bad_flags_are_told_in_one_line(run_folder, flags, message):
    with pytest.raises(InputError, match=message) as caught:
        add_a_defence.main(["--run", run_folder, *flags])
    assert "\n" not in str(caught.value)
