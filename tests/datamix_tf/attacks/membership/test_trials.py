"""Scenes and candidates: no stranger is in what is seen, and covers are drawn where a client draws them."""

import keras
import numpy as np
import pytest

from datamix_tf import DataMixModel, attacks
from datamix_tf.attacks.membership.codes import WhiteCodes
from datamix_tf.attacks.membership.trials import ASKED, POOLS, VIEWS, draw_hidden, draw_trials
from datamix_tf.certificate import certificate
from datamix_tf.layers import GaussianBottleneck
from tests.datamix_tf.attacks.raw_inputs import model_of


@pytest.fixture(scope="module")
def white():
    found = WhiteCodes(model_of((48,)))
    found.fit(np.random.default_rng(0).normal(size=(200, 48)).astype("float32"))
    return found


def drawn(white, view, n=43, groups=6):
    codes = np.random.default_rng(1).normal(size=(n, 48))
    return codes, draw_trials(white, codes, view, np.random.default_rng(2), groups, rounds=3)


@pytest.mark.parametrize("view", VIEWS)
def test_members_are_in_what_is_seen_and_strangers_are_not(white, view):
    """Groups of 4 of 48 numbers: the span of what is seen tells for certain."""
    codes, trials = drawn(white, view)
    np.testing.assert_array_equal(trials.codes, codes[trials.index])
    assert trials.members.mean() == 0.5
    if view == "single":  # all four mixtures of a group, in order
        assert trials.mixtures.shape == (3 * 6 * 4, 1, 48) and trials.members.shape == (72, 2)
        mixtures = trials.mixtures.reshape(18, 4, 48).repeat(4, axis=0)
    else:
        mixtures = trials.mixtures
        assert mixtures.shape == ((18, 4, 48) if view == "linked" else (3, 20, 48))
    basis = np.linalg.qr(np.swapaxes(mixtures, 1, 2))[0]
    left = trials.codes - trials.codes @ basis @ np.swapaxes(basis, 1, 2)
    np.testing.assert_array_equal(np.linalg.norm(left, axis=-1) < 1e-9, trials.members)


def test_keys_are_uniform_and_groups_are_new_in_every_round(white):
    _, trials = drawn(white, "linked")
    assert len(np.unique(np.sort(trials.index[:, :4], axis=1), axis=0)) == 18
    for round_ in range(3):  # as often a member as a stranger
        part = trials.index[6 * round_ : 6 * round_ + 6]
        np.testing.assert_array_equal(np.sort(part[:, :4].ravel()), np.sort(part[:, 4:].ravel()))
    codes = np.eye(48)[:8]
    found = draw_trials(white, codes, "linked", np.random.default_rng(0), 2, rounds=2000)
    keys = np.take_along_axis(found.mixtures, found.index[:, None, :4], axis=2)
    error = np.sqrt(2 / 4 / 6 / len(keys))  # an entry's square has mean 1 / 4 and variance 2 (n - 1) / (n^2 (n + 2))
    assert np.abs(np.square(keys).mean(0) - 0.25).max() < 4.5 * error
    assert np.abs(keys.mean(0)).max() < 4.5 * np.sqrt(0.25 / len(keys))


def test_pools_are_shuffled_and_few_are_asked_about(white):
    _, trials = drawn(white, "pooled")
    for start in range(0, 20, 4):  # four rows beside each other are no group: they span no member
        basis = np.linalg.qr(trials.mixtures[0, start : start + 4].T)[0]
        left = trials.codes[0] - trials.codes[0] @ basis @ basis.T
        assert np.linalg.norm(left, axis=-1).min() > 1e-3
    many = draw_trials(white, np.zeros((1200, 48)), "pooled", np.random.default_rng(0), 2, rounds=2)
    assert many.mixtures.shape == (2, 128, 48) and many.members.shape == (2, 2 * 128)
    few = draw_trials(white, np.zeros((1200, 48)), "pooled", np.random.default_rng(0), 2)
    assert len(few.members) == POOLS and ASKED == 128


def test_one_group_is_too_few(white):
    with pytest.raises(ValueError, match="two groups of 4"):
        draw_trials(white, np.zeros((7, 48)), "single", np.random.default_rng(0), 8)


@pytest.fixture(scope="module")
def noisy_model():
    """A bottleneck of 6 numbers whose covers may be drawn, in groups of 16, and inputs."""
    inputs = keras.Input((6,))
    bottleneck = GaussianBottleneck(6, 30.0, momentum=0.0, clipped=True, seed=0)
    pre = keras.Model(inputs, bottleneck(inputs))
    x = np.random.default_rng(0).normal(size=(1200, 6)).astype("float32")
    pre(x, training=True)
    sent, answers = keras.Input((6,)), keras.Input((2,))
    main = keras.Model(sent, keras.layers.Dense(2)(sent))
    return DataMixModel(pre, main, keras.Model(answers, keras.layers.Identity()(answers)), group_size=16), x


@pytest.mark.parametrize(("view", "rows"), [("single", 1), ("linked", 16), ("pooled", 32 * 16)])
def test_inputs_are_hidden_one_by_one_among_drawn_covers(noisy_model, view, rows):
    model, x = noisy_model
    white = WhiteCodes(model)
    white.fit(x)
    assert white.draws_covers
    trials = draw_hidden(white, x[:300], view, np.random.default_rng(1), 16)
    scenes = len(trials.mixtures)
    assert trials.mixtures.shape == (scenes, rows, 6) and trials.members.mean() == 0.5
    for index, members in zip(trials.index, trials.members, strict=True):
        assert not set(index[members]) & set(index[~members])
    # Each group's second moment holds the code: its energy along it is |z|^2 more than that of its covers.
    if view == "linked":
        codes = trials.codes[:, 0] / np.linalg.norm(trials.codes[:, 0], axis=1, keepdims=True)
        along = np.einsum("srk,sk->sr", trials.mixtures, codes)
        assert np.square(along).sum(1).mean() > 16 + 2


@pytest.mark.parametrize(
    "make",
    [attacks.membership_single, attacks.membership_group, attacks.membership_likelihood, attacks.membership_pool],
)
def test_no_attack_on_real_codes_exceeds_the_certificate(noisy_model, make):
    model, x = noisy_model
    attack = make(model, groups=32)
    labels = np.zeros(400, int)
    attack.fit((x[:400], labels), (x[400:800], labels))
    found = attack.score((x[800:], labels))
    told = certificate(6, 16, view="single" if attack.view == "single" else "linked")
    assert found.score - told.auc < 3 * (found.standard_error**2 + told.standard_error**2) ** 0.5
