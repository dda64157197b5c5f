import numpy as np
import pytest

from datamix_tf.attacks.membership import statistics
from datamix_tf.certificate import draw_group, log_likelihood_ratio_group, log_likelihood_ratio_single
from datamix_tf.metrics import auc_of_trials

RANDOM = np.random.default_rng(0)
MIXTURES, CODES = RANDOM.normal(size=(2, 4, 6)), RANDOM.normal(size=(2, 3, 6))


def test_inner_products_are_squared_and_summed():
    found = statistics.squares(MIXTURES, CODES, 4, 0.0)
    one = sum((m @ CODES[1, 2]) ** 2 for m in MIXTURES[1]) / (CODES[1, 2] @ CODES[1, 2])
    assert found.shape == (2, 3) and np.isclose(found[1, 2], one)
    loud = MIXTURES * np.array([1, 2, 3, 4])[:, None]
    np.testing.assert_allclose(statistics.cosines(loud, CODES, 4, 0.0), statistics.cosines(MIXTURES, CODES, 4, 0.0))
    assert not np.allclose(statistics.squares(loud, CODES, 4, 0.0), found)


@pytest.mark.parametrize("rows", [3, 40])
def test_the_inverse_moment_is_that_of_its_definition(rows):
    mixtures = np.random.default_rng(rows).normal(size=(2, rows, 6))
    found = statistics.inverse(0.1, by_length=False)(mixtures, CODES, 4, 0.0)
    moment = mixtures[1].T @ mixtures[1] / rows + 0.1 * np.eye(6)
    assert np.isclose(found[1, 2], -CODES[1, 2] @ np.linalg.inv(moment) @ CODES[1, 2])
    by_length = statistics.inverse(0.1)(mixtures, CODES, 4, 0.0)
    assert np.isclose(by_length[1, 2], found[1, 2] / (CODES[1, 2] @ CODES[1, 2]))


def test_ratios_of_one_mixture_and_of_large_groups_are_the_certificate_s():
    np.testing.assert_allclose(
        statistics.single_ratio(MIXTURES[:, :1], CODES, 8, 0.2)[1, 2],
        log_likelihood_ratio_single(MIXTURES[1, 0], CODES[1, 2], 8, 0.2),
    )
    group = np.random.default_rng(1).normal(size=(2, 9, 6))
    found = statistics.exact_group_ratio(group, CODES, 9, 0.0)
    assert found.shape == (2, 3) and np.isclose(found[1, 2], log_likelihood_ratio_group(group[1], CODES[1, 2]))


def test_the_ratio_of_noisy_groups_is_the_mean_over_directions():
    """Directions N(0, I / n) for which the integral is exact, by drawing them."""
    random, size, noise = np.random.default_rng(2), 3, 0.5
    mixtures, code = random.normal(size=(size, 2)), random.normal(size=2)
    rows = random.normal(size=(200_000, size)) / np.sqrt(size) @ mixtures
    values = np.exp(-np.square(rows - code).sum(1) / (2 * noise) + np.square(rows).sum(1) / 2) / noise
    found = statistics.group_ratio()(mixtures, code[None], size, noise)[0]
    assert abs(np.exp(found) - values.mean()) < 4 * values.std() / np.sqrt(len(values))
    assert statistics.group_ratio(0.9)(mixtures, code[None], size, noise)[0] != found  # the larger noise counts


def area(statistic, d, n, trials=3000, groups=1):
    """AUC and standard error on drawn groups, `groups` of them together."""
    random = np.random.default_rng(3)
    z = random.standard_normal((trials, d))
    z *= np.sqrt(d) / np.linalg.norm(z, axis=1, keepdims=True)
    without, among = random.standard_normal((trials, groups * n, d)), random.standard_normal((trials, groups * n, d))
    among[:, :n] = draw_group(z, n, random)
    scores = [statistic(mixtures, z[:, None], n, 0.0)[:, 0] for mixtures in (without, among)]
    return auc_of_trials(np.repeat([0, 1], trials), np.concatenate(scores), np.arange(2 * trials))


def test_a_pool_s_ratio_finds_more_than_its_inner_products():
    """Few rows with much of a code in them count for more than many with a little."""
    (best, error), (plain, other) = (area(s, 32, 8, 400, 16) for s in (statistics.pool_ratio, statistics.squares))
    assert best > plain + 3 * np.hypot(error, other)


def test_blocks_are_products_of_parts():
    found = statistics.blocks(MIXTURES, CODES)
    assert found.shape == (2, 3, 12)  # six numbers make six blocks
    assert np.isclose(found[0, 1, 4], np.log(np.square(MIXTURES[0, :, 4] * CODES[0, 1, 4]).sum() + 1e-9))
    assert np.isclose(found[0, 1, 10], np.log(CODES[0, 1, 4] ** 2 + 1e-9))
