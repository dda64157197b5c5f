"""Blind source separation: where it must work, and where it cannot."""

import numpy as np
import pytest

from datamix_tf.attacks.linked.mixed_groups import rotations
from datamix_tf.attacks.linked.separation import VIEWS, agreement, chance_agreement, separate, view


def test_picard_separates_what_is_flatter_than_a_gaussian():
    rng = np.random.default_rng(2)
    key = rotations(rng, 1, 6)[0]
    mixtures = key @ rng.uniform(-1, 1, size=(6, 4000))
    assert agreement(separate(mixtures, "features", algorithm="picard"), key)[0] > 0.97


def key(size, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def maps(size, seed, template=0.0):
    """Smooth maps with edges in places of their own, and a template that all share."""
    rng = np.random.default_rng(seed)
    shared = np.cumsum(rng.normal(size=(24, 24, 2)), 0)
    own = np.cumsum(rng.laplace(size=(size, 24, 24, 2)) * (rng.random((size, 24, 24, 2)) < 0.1), 1)
    return own + template * shared


@pytest.mark.parametrize("kind", VIEWS)
def test_independent_sources_are_recovered(kind):
    sources = np.random.default_rng(0).laplace(size=(8, 4000))
    mixing = key(8, 1)
    found, order = agreement(separate(mixing @ sources, kind, mean=np.zeros(4000)), mixing)
    assert found > 0.97 and sorted(order) == list(range(8))


def test_the_known_mean_takes_a_shared_template_away():
    """What all share correlates the sources: on features it looks safer than it is."""
    found = {kind: [] for kind in ("features", "centred")}
    for seed in range(3):
        mixing, mean = key(6, seed + 1), maps(200, seed, template=3.0).mean(0)
        mixtures = np.tensordot(mixing, maps(6, seed, template=3.0), 1)
        for kind, values in found.items():
            values.append(agreement(separate(mixtures, kind, mean), mixing)[0])
    assert np.mean(found["centred"]) > 0.85 > 0.8 > np.mean(found["features"])


def test_gaussian_sources_hide_the_key():
    """A rotation of white Gaussian rows is a white Gaussian again: no better than a random rotation."""
    chance, spread = chance_agreement(8)
    rng = np.random.default_rng(0)
    found = [
        agreement(separate(mixing @ rng.normal(size=(8, 2000)), "features"), mixing)[0]
        for mixing in (key(8, seed) for seed in range(12))
    ]
    assert abs(np.mean(found) - chance) < 5 * spread / 12**0.5
    assert 0.6 < chance < 0.7  # 0.65 for S_G = 8


def test_agreement_knows_neither_order_nor_signs():
    mixing = key(5, 0)
    shuffled = (mixing.T * np.array([1, -1, 1, 1, -1])[:, None])[[3, 1, 4, 0, 2]]
    found, order = agreement(shuffled, mixing)
    assert np.isclose(found, 1) and list(order) == [3, 1, 4, 0, 2]
    assert list(np.abs(shuffled @ mixing).argmax(0)) == list(order)


def test_views_are_mixed_by_the_same_key():
    sources, mixing = maps(4, 2), key(4, 3)
    for kind in VIEWS:
        mean = sources.mean(0)
        first = view(np.tensordot(mixing, sources, 1), kind, mean)
        np.testing.assert_allclose(first, mixing @ view(sources, kind, mean), atol=1e-8)
