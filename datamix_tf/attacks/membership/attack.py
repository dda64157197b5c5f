"""Membership inference: the attacker tries statistics on mixtures that it makes itself, and asks with the best."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.membership.codes import WhiteCodes
from datamix_tf.attacks.membership.statistics import (
    Statistic,
    blocks,
    cosines,
    exact_group_ratio,
    group_ratio,
    inverse,
    pool_ratio,
    single_ratio,
    squares,
)
from datamix_tf.attacks.membership.trials import VIEWS, Trials, draw_hidden, draw_trials
from datamix_tf.metrics import auc_of_trials
from datamix_tf.typing import Array, Examples
from datamix_tf.uncertainty import normal

#: What is tried, by the name in results.
PRODUCTS: dict[str, Statistic] = {"inner products": squares, "cosines": cosines}
INVERSES: dict[str, Statistic] = {
    "inverse moment": inverse(0.01, by_length=False),
    **{f"inverse moment by length, ridge {ridge}": inverse(ridge) for ridge in (0.01, 0.1, 1.0)},
}
ONE: dict[str, Statistic] = {"likelihood ratio": single_ratio}
ROWS: dict[str, Statistic] = {"likelihood ratio of rows": pool_ratio}
GROUPS: dict[str, Statistic] = {
    f"likelihood ratio of the group, noise {least}": group_ratio(least) for least in (0.001, 0.01, 0.03, 0.1, 0.3)
}
EXACT = "likelihood ratio of the group, exact"
LEARNED = "logistic regression on all"


class MembershipAttack(Attack):
    """Is this photo among the inputs? (threat models `single`, `linked`, `pooled`).

    The edge's half is public, so whoever has a candidate computes its code. The attacker whitens codes, makes groups of
    its own examples, and tries statistics on members and strangers of them: those of `statistics`, and, if `learned`, a
    logistic regression on all of these and on inner products in blocks of components, which learns how much each is
    worth. The best on the valid split counts. The score is the AUC on the test split, with a standard error for trials
    that share a group (or pool) or an input.

    Where the model's covers may be drawn (`GaussianBottleneck(clipped=True)`), each group hides one input among drawn
    covers, as its client does.

    Args:
        model: A `DataMixModel`.
        view: `"single"`, `"linked"` or `"pooled"`.
        statistics: Name -> what is tried.
        learned: Whether a logistic regression is tried, too.
        groups: Most test groups of a round (`draw_trials`).
        seed: Seed of groups, keys and noise.

    Raises:
        ValueError: If the view is unknown.
    """

    def __init__(
        self,
        model: keras.Model,
        view: str,
        statistics: dict[str, Statistic],
        learned: bool = False,
        groups: int = 64,
        seed: int = 0,
    ) -> None:
        if view not in VIEWS:
            raise ValueError(f"Expected a view of {', '.join(VIEWS)}. Received: {view!r}")
        self.white, self.view, self.statistics = WhiteCodes(model), view, dict(statistics)
        self.learned, self.groups, self.seed = learned, groups, seed
        self.classifier: Any = None
        self.tried: dict[str, float] = {}
        self.best = next(iter(self.statistics))

    def fit(self, train: Examples, valid: Examples) -> None:
        white = self.white
        white.fit(train[0])
        if EXACT in self.statistics and (white.noise.any() or white.group_size <= len(white.noise)):
            del self.statistics[EXACT]
        if len(valid[0]) < 2 * white.group_size:
            valid = train
        if self.learned:
            self.classifier = self._classifier(self._trials(train, 0))
        trials = self._trials(valid, 1)
        names = [*self.statistics, *([LEARNED] if self.learned else [])]
        self.tried = {name: _area(trials, self.scores(trials, name))[0] for name in names}
        self.best = max(names, key=lambda name: self.tried[name])

    def score(self, test: Examples) -> AttackScore:
        started = time.perf_counter()
        trials = self._trials(test, 2)
        auc, error = _area(trials, self.scores(trials, self.best))
        scenes, count = len(np.unique(trials.group)), trials.members.size
        details = {"attack": self.best, "tried": self.tried, "numbers": len(self.white.noise)}
        details |= {"pools" if self.view == "pooled" else "groups": scenes}
        details |= {"seconds_per_group": (time.perf_counter() - started) / scenes}
        return AttackScore(auc, 0.5, count, "auc", details, uncertainty=normal(auc, error))

    def scores(self, trials: Trials, name: str) -> Array:
        """A statistic of all trials, `[scenes, c]`."""
        if name == LEARNED:
            return self.classifier.decision_function(self._inputs(trials)).reshape(trials.members.shape)
        noise = float(np.mean(self.white.noise))
        return self.statistics[name](trials.mixtures, trials.codes, self.white.group_size, noise)

    def _trials(self, examples: Examples, offset: int) -> Trials:
        random, x = np.random.default_rng([self.seed, offset]), examples[0]
        x = x[self.white.drawn.part(x)]
        if self.white.draws_covers:
            return draw_hidden(self.white, x, self.view, random, self.groups)
        codes = self.white.of(x)
        return draw_trials(self.white, codes, self.view, random, self.groups)

    def _inputs(self, trials: Trials) -> Array:
        """`[scenes * c, numbers]`, all finite."""
        found = [self.scores(trials, name)[..., None] for name in self.statistics]
        table = np.concatenate([*found, blocks(trials.mixtures, trials.codes)], -1)
        return np.clip(table.reshape(-1, table.shape[-1]), -1e9, 1e9)

    def _classifier(self, trials: Trials) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
        return classifier.fit(self._inputs(trials), trials.members.reshape(-1))


def _area(trials: Trials, scores: Array) -> tuple[float, float]:
    clusters = trials.group.reshape(-1), trials.index.reshape(-1)
    return auc_of_trials(trials.members.reshape(-1), scores.reshape(-1), *clusters)


def membership_single(model: keras.Model, groups: int = 64, seed: int = 0) -> MembershipAttack:
    """Of one mixture: inner products, cosines, its likelihood ratio, and what is learned of them."""
    return MembershipAttack(model, "single", PRODUCTS | ONE, learned=True, groups=groups, seed=seed)


def membership_group(model: keras.Model, groups: int = 64, seed: int = 0) -> MembershipAttack:
    """Of a whole group: inner products, the inverse moment, and what is learned of them."""
    return MembershipAttack(model, "linked", PRODUCTS | INVERSES, learned=True, groups=groups, seed=seed)


def membership_likelihood(model: keras.Model, groups: int = 64, seed: int = 0) -> MembershipAttack:
    """Of a whole group: its likelihood ratio, exact without noise and with more mixtures than numbers."""
    return MembershipAttack(model, "linked", GROUPS | {EXACT: exact_group_ratio}, groups=groups, seed=seed)


def membership_pool(model: keras.Model, groups: int = 64, seed: int = 0) -> MembershipAttack:
    """Of a shuffled pool: inner products, cosines, likelihood ratios of rows, and what is learned of them."""
    return MembershipAttack(model, "pooled", PRODUCTS | ROWS, learned=True, groups=groups, seed=seed)


def membership_pool_inverse(model: keras.Model, groups: int = 64, seed: int = 0) -> MembershipAttack:
    """Of a shuffled pool: the inverse moment."""
    return MembershipAttack(model, "pooled", INVERSES, groups=groups, seed=seed)
