"""What a group's span tells: a mixed group spans the same space as the features behind it, whatever the key.

An orthogonal key hides how the features are turned, not the space that they span. So whoever has one feature can
tell, without any key, whether it is in a group (`CandidateAttack`) and with which column of the key
(`InjectedAttack`); two groups that share an input give its feature away to whoever intersects their spans
(`ReuseAttack`).
"""

from __future__ import annotations

import time

import keras
import numpy as np

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.linked.mixed_groups import MixedGroups
from datamix_tf.attacks.linked.separation import agreement, chance_agreement, nearest_orthogonal, separate
from datamix_tf.metrics import auc_of_trials
from datamix_tf.typing import Array, Examples
from datamix_tf.uncertainty import normal

GROUPS = 64


def coefficients_of(feature: Array, mixtures: Array) -> tuple[Array, float]:
    """The combination of a group's mixtures that is nearest to a feature.

    Args:
        feature: `[...]`.
        mixtures: `[S_G, ...]`.

    Returns:
        `(c, residual)`: `c [S_G]`, the feature's column of the key if it is in the group, and the norm of what is left
        relative to the feature's, 0 for a member.
    """
    flat = np.asarray(mixtures, np.float64).reshape(len(mixtures), -1)
    feature = np.asarray(feature, np.float64).reshape(-1)
    found = np.linalg.lstsq(flat.T, feature, rcond=None)[0]
    return found, float(np.linalg.norm(feature - flat.T @ found) / max(float(np.linalg.norm(feature)), 1e-12))


class SpanAttack(Attack):
    """What attacks by a group's span share.

    Args:
        model: A `DataMixModel`.
        groups: Most groups that are attacked.
        seed: Seed of keys and of who is asked for.
    """

    def __init__(self, model: keras.Model, groups: int = GROUPS, seed: int = 0) -> None:
        self.drawn, self.groups, self.seed = MixedGroups(model, seed), groups, seed

    def fit(self, train: Examples, valid: Examples) -> None:
        """Nothing: the attack is linear algebra."""
        del train, valid


class CandidateAttack(SpanAttack):
    """Is this photo in the group? (threat model `linked`).

    The attacker has the candidates and computes their features itself (where the edge draws noise, with noise of its
    own). As many candidates are members as not; the score is the AUC of the residual outside of the group's span.
    """

    def score(self, test: Examples) -> AttackScore:
        x, size = test[0][self.drawn.part(test[0])], self.drawn.group_size
        groups = self.drawn.draw(x, self.groups)
        own = self.drawn.features(x)
        random, started = np.random.default_rng(self.seed), time.perf_counter()
        residuals, members, candidates, scenes = [], [], [], []
        for number, group in enumerate(groups):
            others = np.setdiff1d(np.arange(len(x)), group.index)
            asked = np.concatenate([group.index, random.choice(others, min(size, len(others)), replace=False)])
            residuals += [coefficients_of(own[index], group.mixtures)[1] for index in asked]
            members += [1] * size + [0] * (len(asked) - size)
            candidates += asked.tolist()
            scenes += [number] * len(asked)
        units = np.arange(len(members)), np.array(candidates), np.array(scenes)
        auc, error = auc_of_trials(np.array(members), -np.array(residuals), *units)
        details = {"attack": "projection on the group's span", "groups": len(groups)}
        details |= {"seconds_per_group": (time.perf_counter() - started) / len(groups)}
        return AttackScore(auc, 0.5, len(members), "auc", details, uncertainty=normal(auc, error))


class InjectedAttack(SpanAttack):
    """The attacker placed k of a group's inputs (threat model `injected`).

    Every known feature gives its column of the key by linear algebra, exactly where the edge adds no noise; k = S_G - 1
    give the last column too, and k = S_G the whole key. The mixtures without the known features are a smaller group,
    which is separated blindly. The score is the agreement over all inputs of the group.

    Args:
        known: k, from 1 to S_G.
    """

    def __init__(self, model: keras.Model, known: int | None = None, groups: int = GROUPS, seed: int = 0) -> None:
        super().__init__(model, groups, seed)
        self.known = model.group_size - 1 if known is None else known
        if not 1 <= self.known <= model.group_size:
            raise ValueError(f"Expected known from 1 to {model.group_size}. Received: {known!r}")

    def score(self, test: Examples) -> AttackScore:
        x, size = test[0][self.drawn.part(test[0])], self.drawn.group_size
        groups = self.drawn.draw(x, self.groups)
        own = self.drawn.features(x)
        started, known, found = time.perf_counter(), [], []
        for group in groups:
            columns = np.stack([coefficients_of(own[i], group.mixtures)[0] for i in group.index[: self.known]], 1)
            columns /= np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
            known.append(np.abs((columns * group.key[:, : self.known]).sum(0)).mean())
            found.append(agreement(self._inverse(columns, group.mixtures), group.key)[0])
        details = {
            "attack": f"linear algebra with {self.known} known of {size}",
            "known_columns": float(np.mean(known)),
            "seconds_per_group": (time.perf_counter() - started) / len(groups),
        }
        chance, _ = chance_agreement(size)
        return AttackScore(float(np.mean(found)), chance, len(groups), "key_agreement", details, float(np.std(found)))

    def _inverse(self, columns: Array, mixtures: Array) -> Array:
        """The key's inverse from its known columns, and a separation of what is orthogonal to them."""
        basis = np.linalg.svd(columns, full_matrices=True)[0][:, self.known :].T  # [unknown, S_G]
        if len(basis) > 1:
            basis = separate(np.tensordot(basis, mixtures, 1), "gradients", seed=self.seed) @ basis
        return nearest_orthogonal(np.concatenate([columns.T, basis]))


class ReuseAttack(SpanAttack):
    """Two groups share an input (threat model `reuse`): their spans meet in its feature.

    The attacker takes the direction with the smallest angle between the spans of two groups. The score is the absolute
    correlation of that with the shared feature; chance is that of the direction which the spans of two groups without a
    common input have nearest, with the features of the first, at best.
    """

    def score(self, test: Examples) -> AttackScore:
        x, size = test[0], self.drawn.group_size
        order = np.arange(len(x) // (2 * size) * 2 * size)[: 2 * size * self.groups]
        started, found, chance, cosines = time.perf_counter(), [], [], {True: [], False: []}
        for shared in (True, False):
            index = order.copy()
            if shared:
                index[size :: 2 * size] = index[:: 2 * size]
            groups = self.drawn.draw(x, len(index) // size, index=index)
            for first, second in zip(groups[::2], groups[1::2], strict=True):
                direction, cosine = meeting(first.mixtures, second.mixtures)
                cosines[shared].append(cosine)
                likeness = [_correlation(direction, feature) for feature in first.features]
                (found if shared else chance).append(likeness[0] if shared else max(likeness))
        details = {
            "attack": "smallest principal angle of two spans",
            "cosine_shared": float(np.mean(cosines[True])),
            "cosine_apart": float(np.mean(cosines[False])),
            "seconds_per_group": (time.perf_counter() - started) / (2 * len(found)),
        }
        spread = float(np.std(found))
        return AttackScore(float(np.mean(found)), float(np.mean(chance)), len(found), "correlation", details, spread)


def meeting(first: Array, second: Array) -> tuple[Array, float]:
    """Where the spans of two groups of mixtures `[S_G, ...]` come nearest: `(direction [...], cosine of the angle)`."""
    bases = [np.linalg.qr(np.reshape(group, (len(group), -1)).astype(np.float64).T)[0] for group in (first, second)]
    left, cosines, _ = np.linalg.svd(bases[0].T @ bases[1])
    return (bases[0] @ left[:, 0]).reshape(np.shape(first)[1:]), float(min(1.0, cosines[0]))


def _correlation(first: Array, second: Array) -> float:
    return float(abs(np.corrcoef(np.reshape(first, -1), np.reshape(second, -1))[0, 1]))
