"""What no attacker can exceed: membership of one true code among covers that are drawn at random.

The client hides one true code z (d numbers) among n - 1 covers. It draws a uniform unit vector a in R^n and n rows
G ~ N(0, I), and sends M = G + a (z - a'G)'. Then a'M = z, and what is orthogonal to a is Gaussian. An attacker asks: is
the code z, which it has, in what was sent? Codes of the population are taken to be N(0, I), so that without z (the
hypothesis H0: another code was hidden) M is n rows of N(0, I). No test is better than the likelihood ratio (Neyman and
Pearson), and here it has a closed form; so its AUC bounds that of every attacker.

**One mixture.** Row i of M is m = a_i z + sqrt(1 - a_i^2) g with g ~ N(0, I), and a_i has the density
(1 - a^2)^((n-3)/2) on [-1, 1], up to a constant. Its likelihood ratio against N(0, I) is the mean over a of

    (1 - a^2)^(-d/2) exp((-a^2 |m|^2 + 2 a m'z - a^2 |z|^2) / (2 (1 - a^2))).

With a = tanh(u) the density is sech(u)^(n-1), and the exponent -sinh(u)^2 (|m|^2 + |z|^2) / 2 + sinh(u) cosh(u) m'z + d
log cosh(u): smooth and falling fast, so that the trapezoidal rule is exact to many digits.

**The whole group.** Turning M by any orthogonal matrix changes neither hypothesis, so the density ratio depends on
S = M'M alone. Under H0, S is Wishart with n degrees of freedom; under H1, S - zz' = G'(I - aa')G is Wishart with n - 1.
Their densities at S (Muirhead, Aspects of Multivariate Statistical Theory, 1982, theorem 3.2.1) are

    H0: |S|^((n-d-1)/2) exp(-tr(S) / 2) / (2^(nd/2) Gamma_d(n/2))
    H1: |S - zz'|^((n-d-2)/2) exp(-tr(S) / 2 + |z|^2 / 2) / (2^((n-1)d/2) Gamma_d((n-1)/2)).

|S - zz'| = |S| (1 - z'S^-1 z), and of the multivariate gamma functions Gamma(n/2) / Gamma((n-d)/2) is left:

    LR = 2^(d/2) Gamma(n/2) / Gamma((n-d)/2) (1 - z'S^-1 z)^((n-d-2)/2) |S|^(-1/2) exp(|z|^2 / 2)

and 0 where z'S^-1 z >= 1. This holds for n > d. For n <= d the rows of M span a proper part of R^d (or just all of it,
n = d, where S - zz' is singular), and z lies on the surface z'S^-1 z = 1 if and only if it was hidden: the AUC is 1.

**Several queries.** If z is sent k times, each with fresh covers and its own a, the groups are independent given z: the
logarithms of the likelihood ratios add.

What the certificate does not say: it speaks of codes whose population is N(0, I) and of covers that are drawn, not of
true inputs as covers. `longest` candidates (|z|^2 = d, the clipped maximum) are the worst case of all codes.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
from scipy.special import gammaln, logsumexp

from datamix_tf.typing import Array

View = Literal["single", "linked"]
Candidate = Literal["longest", "typical"]
VIEWS, CANDIDATES = ("single", "linked"), ("longest", "typical")
CHUNK = 1 << 20  # numbers that one step of the quadrature holds


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What no attacker exceeds.

    Attributes:
        auc: Area under the curve of the best test, 0.5 for guessing.
        standard_error: Of `auc`, which is simulated.
        total_variation: Distance of what is sent with and without the candidate: the most by which a test's rate of
            hits can exceed its rate of false alarms.
        tv_standard_error: Of `total_variation`.
        samples: Draws of each hypothesis; 0 where nothing had to be simulated.
    """

    auc: float
    standard_error: float
    total_variation: float
    tv_standard_error: float
    samples: int


def certificate(
    dimensions: int,
    group_size: int,
    *,
    view: View = "single",
    candidate: Candidate = "longest",
    queries: int = 1,
    samples: int = 100_000,
    seed: int = 0,
) -> Certificate:
    """The best possible test of membership, by simulating its likelihood ratio.

    The ratios are drawn from their own distribution (normal and chi-squared variables), without drawing any mixture.

    Args:
        dimensions: d, numbers of a code.
        group_size: n, rows of what is sent.
        view: `"single"`, one mixture, or `"linked"`, all n known to belong together. A shuffled pool of many such
            groups tells at most as much as `"linked"` of the right group.
        candidate: Of which codes: `"longest"`, all with |z|^2 = d, the worst case; or `"typical"`, N(0, I), clipped to
            |z|^2 <= d.
        queries: k, how often the same input is sent with fresh covers, and the attacker knows which belong together.
        samples: Draws of each hypothesis.
        seed: Of the draws.

    Raises:
        ValueError: If d, k or the samples are below 1 (2 samples at least), n is below 2, or a name is unknown.
    """
    if dimensions < 1 or group_size < 2 or queries < 1 or samples < 2:
        raise ValueError(
            "Expected dimensions and queries of at least 1, and a group size and samples of at least 2. "
            f"Received: {dimensions=}, {group_size=}, {queries=}, {samples=}"
        )
    if view not in VIEWS or candidate not in CANDIDATES:
        raise ValueError(
            f"Expected a view of {VIEWS} and a candidate of {CANDIDATES}. Received: {view!r}, {candidate!r}"
        )
    if view == "linked" and group_size <= dimensions:
        return Certificate(1.0, 0.0, 1.0, 0.0, 0)
    random = np.random.default_rng(seed)
    ratios = _ratios_single if view == "single" else _ratios_group
    without, among = np.zeros(samples), np.zeros(samples)
    for total, member in ((without, False), (among, True)):
        square = np.full(samples, float(dimensions))
        if candidate == "typical":
            square = np.minimum(square, random.chisquare(dimensions, samples))
        for _ in range(queries):
            total += ratios(random, square, dimensions, group_size, member)
    return _summary(without, among)


def log_likelihood_ratio_single(m: Array, z: Array, n: int, noise: float = 0.0) -> Array:
    """Of one mixture with the code z in it against one without.

    Args:
        m: Mixtures `[..., d]`.
        z: Codes `[..., d]`; the leading axes are broadcast with those of `m`.
        n: Group size, at least 2.
        noise: Variance of each number of the hidden code around `z`, where the edge adds noise of its own.

    Returns:
        Natural logarithms, float64 `[...]`.

    Raises:
        ValueError: If n is below 2 or `noise` is not from 0 to 1.
    """
    if n < 2 or not 0 <= noise <= 1:
        raise ValueError(f"Expected n of at least 2 and noise from 0 to 1. Received: {n=}, {noise=}")
    m, z = np.asarray(m, np.float64), np.asarray(z, np.float64)
    products = np.einsum("...i,...i->...", m, z)
    return _single(np.square(m).sum(-1), products, np.square(z).sum(-1), m.shape[-1], n, noise)


def log_likelihood_ratio_group(mixtures: Array, z: Array) -> Array:
    """Of all mixtures of a group with the code z in it against a group without.

    Args:
        mixtures: M, `[..., n, d]`, n > d.
        z: Codes `[..., d]`; the leading axes are broadcast with those of `mixtures`.

    Returns:
        Natural logarithms, float64 `[...]`; minus infinity where z cannot be in the group.

    Raises:
        ValueError: If n <= d: the ratio is then 0 or infinite.
    """
    mixtures, z = np.asarray(mixtures, np.float64), np.asarray(z, np.float64)
    n, d = mixtures.shape[-2:]
    if n <= d:
        raise ValueError(f"Expected more mixtures than numbers in a code, else the span decides. Received: {n=}, {d=}")
    square = np.swapaxes(mixtures, -1, -2) @ mixtures
    solved = np.linalg.solve(square, np.broadcast_to(z, np.broadcast_shapes(z.shape, square.shape[:-1]))[..., None])
    share = np.einsum("...i,...i->...", z, solved[..., 0])
    return _group(share, np.linalg.slogdet(square)[1], np.square(z).sum(-1), d, n)


def draw_group(codes: Array, n: int, generator: np.random.Generator) -> Array:
    """Hides each code in a group of its own with drawn covers: M = G + a (z - a'G)', in O(n d).

    Args:
        codes: `[..., d]`.
        n: Rows of each group, at least 2.
        generator: Of a and G. Good for measurements; a client draws from its operating system.

    Returns:
        `[..., n, d]`, float64.
    """
    codes = np.asarray(codes, np.float64)
    rows = generator.standard_normal((*codes.shape[:-1], n, codes.shape[-1]))
    direction = generator.standard_normal((*codes.shape[:-1], n, 1))
    direction /= np.linalg.norm(direction, axis=-2, keepdims=True)
    missing = codes[..., None, :] - np.swapaxes(direction, -1, -2) @ rows
    return rows + direction * missing


def clipped(codes: Array) -> Array:
    """Codes `[..., d]`, the longer ones shortened to |z|^2 = d; float64."""
    codes = np.asarray(codes, np.float64)
    longest = np.sqrt(codes.shape[-1])
    return codes * np.minimum(1, longest / np.maximum(np.linalg.norm(codes, axis=-1, keepdims=True), 1e-300))


def _ratios_single(random: np.random.Generator, square: Array, d: int, n: int, member: bool) -> Array:
    """Log ratios of codes of squared length `square` [samples], by the three products that they depend on."""
    along, across = random.standard_normal(len(square)), np.zeros(len(square))
    if d > 1:
        across = random.chisquare(d - 1, len(square))
    if member:
        share = random.beta(0.5, (n - 1) / 2, len(square))
        along = np.sqrt(share * square) + np.sqrt(1 - share) * along  # the sign of a changes nothing
        across = (1 - share) * across
    return _single(along**2 + across, along * np.sqrt(square), square, d, n)


def _ratios_group(random: np.random.Generator, square: Array, d: int, n: int, member: bool) -> Array:
    """Likewise. Turned so that z is along one axis, S has a Schur complement q there with z'S^-1 z = |z|^2 / q.

    q is chi-squared with n - d + 1 degrees of freedom (n - d, plus |z|^2, for a member), and the determinant of the
    rest, a Wishart matrix of d - 1 numbers, a product of chi-squared variables (Muirhead, theorem 3.2.15).
    """
    freedom = n - 1 if member else n
    complement = random.chisquare(freedom - d + 1, len(square)) + (square if member else 0)
    determinant = np.log(complement)
    for less in range(d - 1):
        determinant += np.log(random.chisquare(freedom - less, len(square)))
    return _group(square / complement, determinant, square, d, n)


def _single(mm: Array, mz: Array, zz: Array, d: int, n: int, noise: float = 0.0) -> Array:
    shape = np.broadcast_shapes(np.shape(mm), np.shape(mz), np.shape(zz))
    mm, mz, zz = (np.broadcast_to(values, shape).ravel() for values in (mm, mz, zz))
    # Nodes: as far as the density of a reaches, and closer than anything in the integrand is wide.
    end, step = np.arccosh(2.0) + 37 / (n - 1), 0.8 / np.sqrt(n + 2 * d + float(np.max(mm + zz, initial=0)))
    u = step * np.arange(-int(end / step) - 1, int(end / step) + 2)
    log_cosh = np.logaddexp(u, -u) - np.log(2)
    weight = -(n - 1) * log_cosh
    weight -= logsumexp(weight)
    # 1 - a^2 + a^2 noise, times cosh^2, is 1 + noise sinh^2.
    sinh, cosh = np.sinh(u), np.cosh(u)
    variance = 1 + noise * sinh**2
    constant = weight + d * log_cosh - d / 2 * np.log(variance)
    left = (cosh**2 / variance, sinh * cosh / variance, sinh**2 / variance)
    result = np.empty(len(mm))
    every = max(1, CHUNK // len(u))
    for start in range(0, len(mm), every):
        part = slice(start, start + every)
        exponent = mm[part, None] * (1 - left[0]) / 2 + mz[part, None] * left[1] - zz[part, None] * left[2] / 2
        result[part] = logsumexp(constant + exponent, axis=1)
    return result.reshape(shape)


def _group(share: Array, determinant: Array, square: Array, d: int, n: int) -> Array:
    """The group's formula from z'S^-1 z, log |S| and |z|^2."""
    power = (n - d - 2) / 2
    left = 1 - np.asarray(share, np.float64)
    inside = np.log(np.where(left > 0, left, 1))
    found = d / 2 * np.log(2) + gammaln(n / 2) - gammaln((n - d) / 2) + power * inside - determinant / 2 + square / 2
    return np.where(left > 0, found, -np.inf)


def _summary(without: Array, among: Array) -> Certificate:
    """AUC and total variation of log ratios [samples] of strangers and of members."""
    from datamix_tf.metrics import auc_of_trials

    count = len(among)
    labels = np.repeat([1, 0], count)
    auc, error = auc_of_trials(labels, np.concatenate([among, without]), np.arange(2 * count))
    # Both have the mean TV, and are between 0 and 1.
    excess = [np.maximum(0, 1 - np.exp(np.minimum(values, 0))) for values in (without, -among)]
    distance = [float(np.mean(values)) for values in excess]
    spread = np.sqrt(sum(np.var(values) / count for values in excess)) / 2
    return Certificate(auc, error, float(np.mean(distance)), float(spread), count)
