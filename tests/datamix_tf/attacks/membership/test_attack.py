"""Membership attacks on models that send raw inputs: Gaussian ones, for which the best is known, and maps."""

import numpy as np
import pytest

from datamix_tf import attacks
from datamix_tf.attacks.membership.attack import EXACT, INVERSES, LEARNED, _area
from datamix_tf.attacks.membership.trials import Trials
from datamix_tf.certificate import certificate, draw_group
from tests.datamix_tf.attacks.raw_inputs import model_of, spots


def gaussian(n, seed, d=8):
    """Codes N(0, I) made as long as the longest that are sent."""
    x = np.random.default_rng(seed).normal(size=(n, d))
    return (x * np.sqrt(d) / np.linalg.norm(x, axis=1, keepdims=True)).astype("float32"), np.zeros(n, int)


def scored(attack, draw=gaussian):
    attack.fit(draw(1600, 1), draw(800, 2))
    return attack.score(draw(960, 3))


@pytest.fixture(scope="module")
def model():
    return model_of((8,), group_size=16)


def hidden(view, seed, d=8, n=16):
    """Trials of codes hidden among drawn covers, as the certificate has it; in pools, each group hides one."""
    random = np.random.default_rng([seed, 7])
    scenes, groups = (150, 8) if view == "pooled" else (2000, 1)
    codes = random.standard_normal((scenes, 2 * groups, d))
    codes *= np.sqrt(d) / np.linalg.norm(codes, axis=-1, keepdims=True)
    mixtures = draw_group(codes[:, :groups], n, random).reshape(scenes, groups * n, d)
    members = np.broadcast_to(np.arange(2 * groups) < groups, codes.shape[:2])
    scene = np.broadcast_to(np.arange(scenes)[:, None], members.shape)
    index = np.arange(members.size).reshape(members.shape)
    return Trials(mixtures[:, :1] if view == "single" else mixtures, codes, members, scene, index)


@pytest.mark.parametrize(
    ("make", "least"),
    [
        (attacks.membership_single, 0.54),
        (attacks.membership_group, 0.8),
        (attacks.membership_likelihood, 0.87),
        (attacks.membership_pool, 0.54),
        (attacks.membership_pool_inverse, 0.54),
    ],
)
def test_no_attack_on_drawn_covers_exceeds_the_certificate_and_all_find_something(model, make, least, monkeypatch):
    attack = make(model)
    monkeypatch.setattr(attack, "_trials", lambda examples, offset: hidden(attack.view, offset))
    attack.fit(gaussian(1600, 1), gaussian(800, 2))
    # Of a pool, no more is known than of a group.
    told = certificate(8, 16, view="single" if attack.view == "single" else "linked")
    names = [*attack.statistics, *([LEARNED] if attack.learned else [])]
    trials = hidden(attack.view, 2)
    for name in names:  # not the best alone
        found, error = _area(trials, attack.scores(trials, name))
        assert found < told.auc + 3 * np.hypot(error, told.standard_error)
    score = attack.score(gaussian(960, 3))
    assert score.score > least and score.score - 0.5 > 4 * score.standard_error > 0
    assert score.chance == 0.5 and set(score.details["tried"]) == set(names)
    if make is attacks.membership_likelihood:  # the exact one reaches what is told
        found, error = _area(trials, attack.scores(trials, EXACT))
        assert abs(found - told.auc) < 4 * np.hypot(error, told.standard_error)


def test_true_inputs_as_mates_hide_no_more_than_drawn_covers(model):
    score, told = scored(attacks.membership_likelihood(model)), certificate(8, 16, view="linked")
    assert abs(score.score - told.auc) < 0.02  # their codes are of one length, so nearly Gaussian only


def test_maps_are_read_in_every_view():
    model = model_of((8, 8, 2), group_size=8)
    found = {}
    for make in (attacks.membership_single, attacks.membership_likelihood, attacks.membership_pool):
        found[make.__name__] = scored(make(model, groups=16), spots)
        assert found[make.__name__].details["numbers"] == 128 and EXACT not in found[make.__name__].details["tried"]
    assert found["membership_single"].score > 0.75 and found["membership_pool"].score > 0.85
    assert found["membership_likelihood"].score > 0.999


def test_what_cannot_be_known_is_at_chance(model):
    """Candidates that have nothing to do with what was mixed."""
    attack = attacks.membership_single(model)
    attack.fit(gaussian(1600, 1), gaussian(800, 2))
    trials = attack._trials(gaussian(960, 3), 2)
    shuffled = np.random.default_rng(0).permuted(trials.members, axis=1)
    scores = attack.scores(trials, LEARNED)
    wins = scores[shuffled] > scores[~shuffled]
    assert abs(wins.mean() - 0.5) < 4 * 0.5 / np.sqrt(len(wins))


def test_a_small_valid_split_is_replaced_and_views_have_names(model):
    attack = attacks.membership_pool_inverse(model)
    attack.fit(gaussian(1600, 1), gaussian(31, 2))
    assert set(attack.tried) == set(INVERSES)
    with pytest.raises(ValueError, match="single, linked, pooled"):
        attacks.MembershipAttack(model, "candidate", INVERSES)
