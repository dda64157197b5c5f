"""Undoing the mixing of a group whose mixtures are known to belong together: blind source separation.

An orthogonal mixture of independent, non-Gaussian sources can be undone without any training data (independent
component analysis). Features of a picture are not independent of each other's, since faces share a template; their
spatial gradients nearly are.

Reference: Hyvarinen and Oja, Independent Component Analysis (2000).
"""

from __future__ import annotations

import warnings

import numpy as np

from datamix_tf.attacks.linked.mixed_groups import rotations
from datamix_tf.typing import Array

VIEWS = ("features", "centred", "gradients", "centred gradients")
MAX_SAMPLES = 20_000


def centre(mixtures: Array, mean: Array | None) -> Array:
    """Mixtures `[S_G, ...]` less what the known mean feature `[...]` can explain of them; mixed by the same key."""
    template, flat = np.asarray(mean, np.float64).reshape(-1), np.asarray(mixtures, np.float64)
    flat = flat.reshape(len(flat), -1)
    explained = np.outer(flat @ template, template) / max(float(template @ template), 1e-12)
    return (flat - explained).reshape(np.shape(mixtures))


def view(mixtures: Array, kind: str, mean: Array | None = None) -> Array:
    """What independent component analysis is given of a group's mixtures.

    Args:
        mixtures: `[S_G, ...]`, channels last for maps.
        kind: Of `VIEWS`: all numbers as they are, or differences of neighbours (along every axis but the channels);
            `centred`: less what the known mean feature can explain of them.
        mean: The mean feature `[...]` of examples of the same kind, for the centred views.

    Returns:
        `[S_G, samples]`, an image of the mixtures under one linear map for all rows: it is mixed by the same key.
    """
    mixtures = np.asarray(mixtures, np.float64)
    rows = len(mixtures)
    if "centred" in kind:
        mixtures = centre(mixtures, mean)
    if "gradients" not in kind:
        flat = mixtures.reshape(rows, -1)
        return flat - flat.mean(1, keepdims=True)
    axes = range(1, max(2, mixtures.ndim - 1))
    return np.concatenate([np.diff(mixtures, axis=axis).reshape(rows, -1) for axis in axes], axis=1)


def separate(
    mixtures: Array, kind: str = "gradients", mean: Array | None = None, seed: int = 0, algorithm: str = "fastica"
) -> Array:
    """Estimates the inverse of a group's key by independent component analysis of one view of its mixtures.

    Args:
        mixtures: `[S_G, ...]`.
        kind: One of `VIEWS`.
        mean: See `view`.
        seed: Seed of the start and of the choice of samples where there are very many.
        algorithm: `"fastica"`, or `"picard"`, which fits sources of either sign of kurtosis.

    Returns:
        `W [S_G, S_G]`, orthogonal: rows of `W mixtures` are sources, in an unknown order and with unknown signs.
    """
    samples = view(mixtures, kind, mean)
    if samples.shape[1] > MAX_SAMPLES:
        chosen = np.random.default_rng(seed).choice(samples.shape[1], MAX_SAMPLES, replace=False)
        samples = samples[:, chosen]
    with warnings.catch_warnings():
        # The last estimate counts all the same.
        warnings.filterwarnings("ignore", message="(FastICA|Picard) did not converge")
        return nearest_orthogonal({"fastica": _fastica, "picard": _picard}[algorithm](samples, seed))


def nearest_orthogonal(estimate: Array) -> Array:
    """The orthogonal matrix that is nearest to an estimate with rows of one length: the key is orthogonal."""
    rows = estimate / np.linalg.norm(estimate, axis=1, keepdims=True)
    left, _, right = np.linalg.svd(rows)
    return left @ right


def _fastica(samples: Array, seed: int | None) -> Array:
    from sklearn.decomposition import FastICA

    analysis = FastICA(whiten="unit-variance", random_state=seed, max_iter=500, tol=1e-4)
    return analysis.fit(samples.T).components_


def _picard(samples: Array, seed: int | None) -> Array:
    from picard import picard

    whitening, rotation, _ = picard(samples, ortho=True, extended=True, random_state=seed, max_iter=300, tol=1e-4)
    return rotation @ whitening


def agreement(estimate: Array, key: Array) -> tuple[float, Array]:
    """How well an estimate undoes a key: the mean of the matched absolute entries of `W A`.

    Args:
        estimate: `W [S_G, S_G]`.
        key: `A [S_G, S_G]`, with `mixtures = A features`.

    Returns:
        `(agreement, order)`: 1 if the key is undone up to order and signs; `order[i]` is the row of `W mixtures` that
        is matched with input i. A random rotation reaches 0.65 for S_G = 8 (`chance_agreement`).
    """
    from scipy.optimize import linear_sum_assignment

    product = np.abs(np.asarray(estimate) @ np.asarray(key))
    rows, columns = linear_sum_assignment(-product)
    return float(product[rows, columns].mean()), rows[np.argsort(columns)]


def chance_agreement(group_size: int, draws: int = 400, seed: int = 0) -> tuple[float, float]:
    """Mean and standard deviation of the agreement of random rotations, under the same matching."""
    random = np.random.default_rng(seed)
    found = [agreement(rotation, np.eye(group_size))[0] for rotation in rotations(random, draws, group_size)]
    return float(np.mean(found)), float(np.std(found))
