"""The best possible test: against exact densities, against drawn groups, and against other tests."""

import numpy as np
import pytest
from scipy import integrate, stats

from datamix_tf.attacks.linked.mixed_groups import mix
from datamix_tf.certificate import (
    CANDIDATES,
    certificate,
    clipped,
    draw_group,
    log_likelihood_ratio_group,
    log_likelihood_ratio_single,
)
from datamix_tf.metrics import auc_of_trials

TRIALS = 4000
ERRORS = 4.0  # standard errors within which two estimates of one number must agree: 1 in 16,000 does not


def longest(random, trials, d):
    z = random.standard_normal((trials, d))
    return z * np.sqrt(d) / np.linalg.norm(z, axis=1, keepdims=True)


def drawn(d, n, seed=0, trials=TRIALS):
    """Codes, groups without them and groups with them."""
    random = np.random.default_rng(seed)
    z = longest(random, trials, d)
    return z, random.standard_normal((trials, n, d)), draw_group(z, n, random)


def auc(without, among):
    labels = np.repeat([0, 1], [len(without), len(among)])
    return auc_of_trials(labels, np.concatenate([without, among]), np.arange(len(labels)))


def test_of_one_number_both_ratios_are_those_of_exact_densities():
    z, n, m = 0.8, 6, np.array([-1.3, 0.1, 2.0])

    def density(a, value):
        prior = stats.beta.pdf(a**2, 0.5, (n - 1) / 2) * abs(a)
        return prior * stats.norm.pdf(value, a * z, np.sqrt(1 - a**2))

    exact = [sum(integrate.quad(density, *ends, args=(v,))[0] for ends in ((-1, 0), (0, 1))) for v in m]
    found = log_likelihood_ratio_single(m[:, None], [z], n)
    np.testing.assert_allclose(found, np.log(exact / stats.norm.pdf(m)), atol=1e-6)
    group = np.random.default_rng(0).normal(size=(5, n, 1))
    square = np.square(group).sum((1, 2))
    exact = stats.chi2.logpdf(square - z**2, n - 1) - stats.chi2.logpdf(square, n)
    np.testing.assert_allclose(log_likelihood_ratio_group(group, [z]), exact, atol=1e-9)
    assert log_likelihood_ratio_group(group[:1] / 100, [z]) == -np.inf  # too short to hold it


@pytest.mark.parametrize(("d", "n"), [(2, 5), (4, 20)])
def test_ratios_turn_groups_without_a_code_into_groups_with_it(d, n):
    """Weighted by the ratio, what was drawn without the code has the means of what was drawn with it."""
    z, without, among = drawn(d, n, trials=5 * TRIALS)
    for view, ratios in (
        (lambda groups: groups[:, :1], np.exp(log_likelihood_ratio_single(without[:, 0], z, n))),
        (lambda groups: groups, np.exp(log_likelihood_ratio_group(without, z))),
    ):
        assert abs(ratios.mean() - 1) < ERRORS * ratios.std() / np.sqrt(len(z))
        products = [np.square(view(groups) @ z[..., None]).mean((1, 2)) for groups in (without, among)]
        likeness = [np.tanh(values / (2 * d)) for values in products]
        error = np.hypot((ratios * likeness[0]).std(), likeness[1].std()) / np.sqrt(len(z))
        assert abs((ratios * likeness[0]).mean() - likeness[1].mean()) < ERRORS * error
        assert abs(likeness[0].mean() - likeness[1].mean()) > ERRORS * error  # the weights did it


@pytest.mark.parametrize(("d", "n", "queries"), [(2, 4, 1), (8, 16, 1), (8, 16, 3)])
def test_a_certificate_is_the_area_of_the_ratios_of_drawn_groups(d, n, queries):
    totals = {"single": [0, 0], "linked": [0, 0]}
    z = drawn(d, n)[0]
    for query in range(queries):
        random = np.random.default_rng(query + 1)
        for which, groups in enumerate((random.standard_normal((TRIALS, n, d)), draw_group(z, n, random))):
            totals["single"][which] += log_likelihood_ratio_single(groups[:, 0], z, n)
            totals["linked"][which] += log_likelihood_ratio_group(groups, z)
    for view, ratios in totals.items():
        told = certificate(d, n, view=view, queries=queries, samples=20_000)
        found, error = auc(*ratios)
        assert abs(told.auc - found) < ERRORS * np.hypot(error, told.standard_error)
        gain = np.maximum(0, 1 - np.exp(np.minimum(ratios[0], 0)))  # of the best threshold, the ratio of 1
        assert abs(told.total_variation - gain.mean()) < ERRORS * np.hypot(
            told.tv_standard_error, gain.std() / np.sqrt(TRIALS)
        )
        slack, tv = ERRORS * (told.standard_error + told.tv_standard_error), told.total_variation
        assert (1 + tv) / 2 - slack < told.auc < 0.5 + tv - tv**2 / 2 + slack  # of any concave curve


@pytest.mark.parametrize(
    ("d", "n", "single", "linked"),
    [
        (64, 8, 0.81, 1.0),
        (64, 64, 0.60, 1.0),
        (16, 64, 0.536, 0.863),
        (16, 128, 0.520, 0.775),
        (16, 256, 0.516, 0.677),
        (8, 64, 0.518, 0.681),
        (8, 256, 0.506, 0.595),
    ],
)
def test_figures_of_an_earlier_simulation(d, n, single, linked):
    """That one drew every mixture, of few trials: its own errors are up to 0.015."""
    for view, expected in (("single", single), ("linked", linked)):
        assert abs(certificate(d, n, view=view, samples=20_000).auc - expected) < 0.015


def test_more_queries_tell_more_and_short_codes_less():
    told = [certificate(8, 64, view="linked", queries=k, samples=20_000) for k in (1, 2, 8)]
    assert told[0].auc + 0.05 < told[1].auc < told[2].auc - 0.05
    typical = certificate(8, 64, view="linked", candidate="typical", samples=20_000)
    assert typical.auc < told[0].auc - ERRORS * np.hypot(typical.standard_error, told[0].standard_error)
    assert CANDIDATES[0] == "longest"  # the default is the worst case


@pytest.mark.parametrize("n", [3, 8])
def test_a_group_no_larger_than_its_codes_gives_them_away(n):
    told = certificate(8, n, view="linked")
    assert (told.auc, told.total_variation, told.samples) == (1, 1, 0)
    z, without, among = drawn(8, n, trials=50)
    for groups, member in ((without, False), (among, True)):
        gram = groups @ np.swapaxes(groups, 1, 2)
        products = groups @ z[..., None]
        spanned = (products * np.linalg.solve(gram, products)).sum((1, 2)) / np.square(z).sum(-1)
        inverse = np.einsum("ti,tij,tj->t", z, np.linalg.pinv(np.swapaxes(groups, 1, 2) @ groups), z)
        decided = np.isclose(spanned, 1) & np.isclose(inverse, 1, rtol=1e-6)
        assert decided.all() if member else not decided.any()
    with pytest.raises(ValueError, match="the span decides"):
        log_likelihood_ratio_group(without, z)


def test_no_other_test_of_drawn_groups_exceeds_the_certificate():
    d, n = 16, 32
    z, without, among = drawn(d, n, seed=3)
    for view, tests in {
        "single": {
            "product": lambda m: np.abs(np.einsum("ti,ti->t", m[:, 0], z)),
            "cosine": lambda m: np.abs(np.einsum("ti,ti->t", m[:, 0], z)) / np.linalg.norm(m[:, 0], axis=1),
            "distance": lambda m: -np.minimum(*(np.linalg.norm(m[:, 0] + s * z / n**0.5, axis=1) for s in (1, -1))),
        },
        "linked": {
            "squares": lambda m: np.square(m @ z[..., None]).sum((1, 2)),
            "inverse": lambda m: -np.einsum("ti,tij,tj->t", z, np.linalg.inv(np.swapaxes(m, 1, 2) @ m), z),
            "largest": lambda m: np.abs(m @ z[..., None]).max((1, 2)),
        },
    }.items():
        told = certificate(d, n, view=view)
        found = {name: auc(test(without), test(among)) for name, test in tests.items()}
        for value, error in found.values():
            assert value < told.auc + 3 * np.hypot(error, told.standard_error)
        assert max(value for value, _ in found.values()) > 0.5 + ERRORS * 0.0065  # they do find something


def test_drawn_groups_hide_a_code_as_a_random_key_and_gaussian_codes_do():
    d, n, trials = 4, 6, 2000
    random = np.random.default_rng(0)
    z = np.broadcast_to([1.0, -1.0, 0.5, 2.0], (trials, d))
    features = random.standard_normal((trials, n, d))
    features[:, 0] = z
    mixed = mix(features.reshape(-1, d), random, n)[1].reshape(trials, n, d)
    values = [np.square(groups @ z[0]).sum(1) for groups in (draw_group(z, n, random), mixed)]
    assert stats.ks_2samp(*values).pvalue > 1e-4
    one = draw_group(z[0], n, random)
    assert one.shape == (n, d)
    solved = np.linalg.lstsq(one.T @ one, z[0], rcond=None)[0]
    assert z[0] @ solved <= 1  # a'M = z with |a| = 1


def test_noise_of_the_edge_is_averaged_over():
    random, noise = np.random.default_rng(0), 0.3
    m, s = random.normal(size=(2, 5))
    codes = s + np.sqrt(noise) * random.normal(size=(40_000, 5))
    ratios = np.exp(log_likelihood_ratio_single(m, codes, 6))
    found = np.exp(log_likelihood_ratio_single(m, s, 6, noise))
    assert abs(ratios.mean() - found) < ERRORS * ratios.std() / 200
    assert abs(np.exp(log_likelihood_ratio_single(m, s, 6)) - found) > ERRORS * ratios.std() / 200


def test_codes_are_shortened_to_their_dimensions():
    codes = np.array([[3.0, 4.0], [0.6, 0.8], [0.0, 0.0]])
    np.testing.assert_allclose(np.square(clipped(codes)).sum(1), [2, 1, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: certificate(0, 8), "dimensions"),
        (lambda: certificate(8, 1), "group size"),
        (lambda: certificate(8, 8, queries=0), "queries"),
        (lambda: certificate(8, 8, view="pooled"), "view"),
        (lambda: certificate(8, 8, candidate="tall"), "candidate"),
        (lambda: log_likelihood_ratio_single(np.ones(3), np.ones(3), 1), "n of at least 2"),
    ],
)
def test_what_cannot_be_certified_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
