"""What a curious cloud makes of a group's mixtures: the audit's separators, and ridge regression back to inputs."""

from __future__ import annotations

import dataclasses

import numpy as np

from components.report.separation import EXAMPLES, matched, separable
from datamix_tf.attacks import SeparatorTraining, separators
from datamix_tf.attacks.linked.mixed_groups import DRAWS, rotations
from datamix_tf.attacks.linked.separation import agreement
from datamix_tf.attacks.linked.separators import untrained_separators
from datamix_tf.attacks.single.linear_decoder import LinearDecoder
from pipeline.demo.loaded_run import LoadedRun

GUESSES = 64


@dataclasses.dataclass(frozen=True)
class AttackResult:
    """The best attack on one group.

    Attributes:
        name: Name of the separator.
        agreement: Its agreement with the key (`datamix_tf.attacks.linked.separation.agreement`).
        estimate: Its estimate of the key's inverse, `[S_G, S_G]`, in the order and with the signs of the inputs.
        tried: Agreement of every separator, by name.
    """

    name: str
    agreement: float
    estimate: np.ndarray
    tried: dict[str, float]


class Attacker:
    """An attacker with the bundle and with examples of its own.

    The best of several attacks is chosen with the key, which an attacker does not have; so chance is what the best of
    as many random rotations reaches.

    Args:
        run: The loaded run, whose first `EXAMPLES` of `known` are used.
        steps: Batches that the separators are trained on that learn; 0 leaves these out.

    Attributes:
        decoder: A `LinearDecoder` from features to inputs.
        mean: The mean input.
        guesses: Estimates that the best of random rotations makes, relative to the key: `[GUESSES, S_G, S_G]`.
        chance: Their mean agreement.
    """

    def __init__(self, run: LoadedRun, steps: int = 0):
        x = np.asarray(run.known()[:EXAMPLES], np.float32)
        size, draws = run.manifest.group_size, DRAWS if run.manifest.noise_stddev else 1
        drawn = [run.features(x, seed) for seed in range(draws)]
        self.mean = x.mean(0)
        self.decoder = LinearDecoder().fit(drawn[0], x)
        self.separators = separators(SeparatorTraining(steps=steps)) if steps else untrained_separators()
        for separator in self.separators:
            separator.fit(np.concatenate(drawn), size)
        self.guesses, self.chance = _guesses(size, len(self.separators))

    def attack(self, mixtures, key) -> AttackResult | None:
        """Separates a group.

        Args:
            mixtures: `[S_G, ...]`, as the cloud received them.
            key: `[S_G, S_G]`, with `mixtures = key features`; for the measurement alone.

        Returns:
            The best, or `None` where the mixtures have fewer independent directions than there are inputs.
        """
        if not separable(mixtures):
            return None
        tried, best = {}, (-1.0, None, None)
        for separator in self.separators:
            estimate = separator.separate(mixtures)
            share, order = agreement(estimate, key)
            tried[separator.name] = share
            if share > best[0]:
                best = share, separator.name, matched(estimate, order, key)
        share, name, estimate = best
        return AttackResult(name, share, estimate, tried)


def skipped_separators(steps: int) -> list[str]:
    """Names of the audit's separators that an `Attacker` with so many `steps` does not try."""
    tried = {separator.name for separator in untrained_separators()}
    return [] if steps else [separator.name for separator in separators() if separator.name not in tried]


def _guesses(size, count, seed=0):
    """Of random rotations the best of `count`, again and again, matched with a key that is the identity.

    A rotation times any key is a random rotation again: what fits the identity does for all keys.
    """
    identity, found, shares = np.eye(size), [], []
    for drawn in rotations(np.random.default_rng(seed), GUESSES * count, size).reshape(GUESSES, count, size, size):
        share, order, estimate = max(((*agreement(one, identity), one) for one in drawn), key=lambda one: one[0])
        found.append(matched(estimate, order, identity))
        shares.append(share)
    return np.stack(found), float(np.mean(shares))
