"""The untrained attacker of the page: FastICA on the mixtures of one group, on every model that mixes."""

from __future__ import annotations

import dataclasses

import numpy as np

from components.records.attacks import Separation
from components.records.serialising import converted
from components.storage.artifacts import Examples
from components.training.splits import Split

GROUPS, EXAMPLES = 8, 1000
NAME = "key by {separator}"


@dataclasses.dataclass(frozen=True)
class Separated:
    """What separation makes of the mixtures of test groups, matched with the inputs by the true key.

    Attributes:
        score: The key agreement.
        groups: The `MixedGroup`s.
        recovered: Of each group, the features that the attack recovers, in the order and with the signs that fit.
        chance: The same of random rotations.
    """

    score: Separation
    groups: list
    recovered: list[np.ndarray]
    chance: list[np.ndarray]


def separated(model, examples: Examples) -> Separated | None:
    """Separates test groups of a model; `None` if it mixes no groups of at least 2, or none can be separated."""
    from datamix_tf.attacks import AttackScore
    from datamix_tf.attacks.linked.mixed_groups import MixedGroups
    from datamix_tf.attacks.linked.separation import agreement, chance_agreement
    from datamix_tf.attacks.linked.separators import IndependentComponents, RandomRotation
    from datamix_tf.transmission import mixes_groups

    if not mixes_groups(model):
        return None
    drawn = MixedGroups(model, seed=0).draw(Split(examples, "test").x, GROUPS)
    groups = [group for group in drawn if separable(group.mixtures)]
    if not groups:
        return None
    separators = attack, chance = IndependentComponents("gradients"), RandomRotation()
    found, rows = {separator: [] for separator in separators}, {separator: [] for separator in separators}
    for group in groups:
        for separator in separators:
            estimate = separator.separate(group.mixtures)
            share, order = agreement(estimate, group.key)
            found[separator].append(share)
            rows[separator].append(np.tensordot(matched(estimate, order, group.key), group.mixtures, 1))
    score = AttackScore(
        float(np.mean(found[attack])),
        chance_agreement(model.group_size)[0],
        len(groups),
        "key_agreement",
        {"attack": f"{attack.name}, groups known", "threat": "linked", "name": NAME.format(separator=attack.name)},
        float(np.std(found[attack])),
    )
    return Separated(converted(score.to_dict(), Separation), groups, rows[attack], rows[chance])


def separable(mixtures) -> bool:
    """Whether mixtures `[S_G, ...]` have as many independent directions as there are inputs, as separation needs."""
    from datamix_tf.attacks.linked.separation import view

    return bool(np.linalg.matrix_rank(view(mixtures, "gradients")) == len(mixtures))


def matched(estimate, order, key) -> np.ndarray:
    """An estimate of a key's inverse, `[S_G, S_G]`, with its rows in the order and with the signs of the true one's.

    Args:
        estimate: `W [S_G, S_G]`.
        order: Of `datamix_tf.attacks.linked.separation.agreement`.
        key: The true key, `[S_G, S_G]`.
    """
    signs = np.sign((estimate @ key)[order, np.arange(len(order))])
    return signs[:, None] * estimate[order]
