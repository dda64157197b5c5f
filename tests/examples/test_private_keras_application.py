"""A network of keras.applications, cut, exported, served and asked."""

import pytest

from components.errors import InputError
from examples import private_keras_application


@pytest.mark.slow
def test_answers_over_http_equal_those_in_process(run_folder):
    flags = ["--run", run_folder, "--epochs", "0", "--group_size", "4"]
    found = private_keras_application.main(flags)
    plain, _, unmixed = found["accuracies"].values()
    assert plain == unmixed  # nothing was trained: the same weights
    # float16 mixtures have a relative error of 2^-11, which some fifty layers amplify.
    assert 0 < found["largest_difference"] < 0.05
    # Features of a picture, 8 x 8 x 8 numbers of 2 bytes, in base64, with a message's frame.
    assert 8 * 8 * 8 * 2 * 4 / 3 < found["bytes_up"] < 2 * 8 * 8 * 8 * 2


@pytest.mark.slow
def test_the_default_training_learns_to_bear_the_mixing():
    found = private_keras_application.main([])
    n = found["examples"]
    plain, private, _ = found["accuracies"].values()
    # Ten people: guessing reaches 0.1, always naming the most frequent 0.14.
    assert n > 100 and plain > 0.24 and private > 0.24


def test_a_cut_that_does_not_work_is_told_in_one_line(run_folder):
    with pytest.raises(InputError, match="Possible cuts") as caught:
        private_keras_application.main(["--run", run_folder, "--epochs", "0", "--after", "block_2_expand"])
    assert "\n" not in str(caught.value)
