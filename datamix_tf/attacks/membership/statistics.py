"""What tells a member from a stranger: numbers that are large if a candidate's code is in mixtures.

Each is a function of mixtures `[..., r, k]`, candidates' codes `[..., c, k]`, both white (`WhiteCodes`), the group size
and the noise that the edge adds to each number of a code (a variance), to scores `[..., c]`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from datamix_tf.certificate import log_likelihood_ratio_group, log_likelihood_ratio_single
from datamix_tf.typing import Array

Statistic = Callable[[Array, Array, int, float], Array]
BLOCKS = 8


def squares(mixtures: Array, codes: Array, size: int, noise: float) -> Array:
    """Sum over mixtures of (m'z)^2 / |z|^2; of one mixture it orders as |m'C^-1 z| / sqrt(z'C^-1 z) does."""
    return np.square(_products(mixtures, codes)).sum(-1) / _length(codes)


def cosines(mixtures: Array, codes: Array, size: int, noise: float) -> Array:
    """The same of mixtures of length 1: loud mixtures count no more than others."""
    return squares(mixtures / np.sqrt(_length(mixtures))[..., None], codes, size, noise)


def inverse(ridge: float, by_length: bool = True) -> Statistic:
    """Minus z'(M'M / r + ridge)^-1 z: members need little of the mixtures to be made of them.

    Args:
        ridge: Share of the mean square of a number of a mixture, 1.
        by_length: Whether it is divided by |z|^2.
    """

    def statistic(mixtures: Array, codes: Array, size: int, noise: float) -> Array:
        rows, k = mixtures.shape[-2:]
        turned = np.swapaxes(mixtures, -1, -2)
        if rows < k:  # the same from the smaller matrix, by Woodbury's identity
            products = np.swapaxes(_products(mixtures, codes), -1, -2)
            solved = np.linalg.solve(mixtures @ turned + rows * ridge * np.eye(rows), products)
            found = (_length(codes) - np.einsum("...rc,...rc->...c", products, solved)) / ridge
        else:
            solved = np.linalg.solve(turned @ mixtures / rows + ridge * np.eye(k), np.swapaxes(codes, -1, -2))
            found = np.einsum("...ck,...kc->...c", codes, solved)
        return -found / _length(codes) if by_length else -found

    return statistic


def single_ratio(mixtures: Array, codes: Array, size: int, noise: float) -> Array:
    """Log likelihood ratio of one mixture (`certificate`); of several, the sum."""
    pairs = mixtures[..., None, :, :], codes[..., :, None, :]
    return log_likelihood_ratio_single(*pairs, size, noise).sum(-1)


def pool_ratio(mixtures: Array, codes: Array, size: int, noise: float) -> Array:
    """Sum over a pool's rows of log(1 + share (ratio - 1)): each is of the candidate's group with the chance `share`.

    A row's ratio is that of N(0, v I + zz' / n) with v = 1 - 1 / n, for which a pool's many pairs need no quadrature.
    """
    k, v = codes.shape[-1], 1 - 1 / size
    length, loud = (_length(codes) / size)[..., None], np.square(mixtures).sum(-1)[..., None, :]
    spread = np.square(_products(mixtures, codes)) / (size * v * (v + length))
    found = (loud * (1 - 1 / v) + spread - (k - 1) * np.log(v) - np.log(v + length)) / 2
    share = min(size / mixtures.shape[-2], 1 - 1e-12)
    return np.logaddexp(np.log1p(-share), np.log(share) + found).sum(-1)


def group_ratio(assumed: float | None = None) -> Statistic:
    """Log likelihood ratio of a whole group whose codes are noisy, for any group size and any number of numbers.

    With a'M = z + e for a unit vector a, e ~ N(0, s I) and codes of the population N(0, I), it is the mean over a of
    s^(-k/2) exp(-|M'a - z|^2 / (2 s) + |M'a|^2 / 2). A uniform unit vector is nearly N(0, I / n), for which the mean is
    a Gaussian integral: with P = (1/s - 1) MM' and b = Mz / s,

        -k/2 log s - |z|^2 / (2 s) - 1/2 log |I + P / n| + 1/2 b'(nI + P)^-1 b.

    Args:
        assumed: The least s; whitening is never exact, and an s that is too small trusts a residual too much.
    """

    def statistic(mixtures: Array, codes: Array, size: int, noise: float) -> Array:
        k, s = mixtures.shape[-1], min(max(noise, assumed or 0.0, 1e-9), 1.0)
        weights = (1 / s - 1) * mixtures @ np.swapaxes(mixtures, -1, -2) + size * np.eye(mixtures.shape[-2])
        b = np.swapaxes(_products(mixtures, codes), -1, -2) / s  # [..., r, c]
        gain = np.einsum("...rc,...rc->...c", b, np.linalg.solve(weights, b)) / 2
        volume = np.linalg.slogdet(weights / size)[1][..., None] / 2
        return gain - volume - _length(codes) / (2 * s) - k / 2 * np.log(s)

    return statistic


def exact_group_ratio(mixtures: Array, codes: Array, size: int, noise: float) -> Array:
    """Log likelihood ratio of a whole group without noise, with more mixtures than numbers (`certificate`)."""
    return log_likelihood_ratio_group(mixtures[..., None, :, :], codes)


def blocks(mixtures: Array, codes: Array) -> Array:
    """`squares` of `BLOCKS` blocks of components, and the length of the code in each: `[..., c, 2 BLOCKS]`."""
    parts = np.array_split(np.arange(codes.shape[-1]), min(BLOCKS, codes.shape[-1]))
    products = [np.square(_products(mixtures[..., part], codes[..., part])).sum(-1) for part in parts]
    lengths = [_length(codes[..., part]) for part in parts]
    return np.log(np.stack(products + lengths, -1) + 1e-9)


def _products(mixtures: Array, codes: Array) -> Array:
    """`[..., c, r]`."""
    return codes @ np.swapaxes(mixtures, -1, -2)


def _length(codes: Array) -> Array:
    return np.maximum(np.square(codes).sum(-1), 1e-12)
