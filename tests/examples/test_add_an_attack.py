"""The example's attack finds what is there to be found, and no more."""

import math

import keras
import numpy as np

from datamix_tf import DataMixModel
from examples import add_an_attack
from examples.add_an_attack import NearestNeighbour


def test_raw_pictures_are_read_and_single_mixtures_are_not_but_a_group_is_separated(run_folder):
    found = add_an_attack.main(["--run", run_folder, "--methods", "plain,DataMix", "--epochs", "4"])
    new = "people, nearest neighbour (new)"
    plain, mixed, key = found["plain"][new], found["DataMix"][new], found["DataMix"]["key of a known group"]
    assert plain.n > 40
    assert plain.score - plain.chance > 3 * plain.standard_error
    # Chance is the share of the most frequent of 4 people; four standard errors of guessing above it.
    assert mixed.score <= mixed.chance + 4 * math.sqrt(mixed.chance * (1 - mixed.chance) / mixed.n)
    assert key.score > key.chance + 5 * key.details["chance_spread"] / math.sqrt(key.n)


def test_without_a_group_around_it_an_input_is_always_found():
    """Of groups of one the key is a sign, which the attack leaves out: each picture is its own nearest neighbour."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    parts = []
    for shape, layer in (((6, 6, 3), layers.Conv2D(4, 3)), ((4, 4, 4), layers.Flatten()), ((64,), layers.Dense(2))):
        inputs = keras.Input(shape)
        parts.append(keras.Model(inputs, layer(inputs)))
    x, y = np.random.default_rng(0).normal(size=(12, 6, 6, 3)).astype("float32"), np.arange(12)
    for size, expected in ((1, 1.0), (12, None)):
        attack = NearestNeighbour(DataMixModel(*parts, group_size=size))
        attack.fit((x, y), (x, y))
        score = attack.score((x, y))
        assert score.n == 12 and score.chance == 1 / 12
        # In a group of 12 one hit is expected; 7 or more come with a probability below 1e-4.
        assert score.score == expected if expected else score.score < 7 / 12
