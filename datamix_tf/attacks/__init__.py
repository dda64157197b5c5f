"""What an attacker can learn from what the cloud receives.

Attacks stand in a registry (`datamix_tf.attacks.registry`): an id, a display name, a threat model, and how one is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from datamix_tf.lazy import lazily

if TYPE_CHECKING:
    from datamix_tf.attacks.base import Attack, AttackScore
    from datamix_tf.attacks.linked.critic import SeparatorTraining
    from datamix_tf.attacks.linked.picture_attack import SeparatedPictures
    from datamix_tf.attacks.linked.separation_attack import KeyAttack, SeparatedLabelAttack, separators
    from datamix_tf.attacks.linked.span import CandidateAttack, InjectedAttack, ReuseAttack
    from datamix_tf.attacks.membership.attack import (
        MembershipAttack,
        membership_group,
        membership_likelihood,
        membership_pool,
        membership_pool_inverse,
        membership_single,
    )
    from datamix_tf.attacks.pooled.linker import LinkAttack
    from datamix_tf.attacks.pooled.pooled_attack import PooledKeyAttack
    from datamix_tf.attacks.pooled.pooled_labels import PooledLabelAttack
    from datamix_tf.attacks.single.label_attack import LabelAttack
    from datamix_tf.attacks.single.linear_probe import LinearProbe
    from datamix_tf.attacks.single.network_attack import AttackTraining
    from datamix_tf.attacks.single.reconstruction import ReconstructionAttack, ReconstructionTraining
    from datamix_tf.attacks.single.set_attack import SetAttack

__all__ = [
    "Attack",
    "AttackScore",
    "AttackTraining",
    "CandidateAttack",
    "InjectedAttack",
    "KeyAttack",
    "LabelAttack",
    "LinearProbe",
    "LinkAttack",
    "MembershipAttack",
    "PooledKeyAttack",
    "PooledLabelAttack",
    "ReconstructionAttack",
    "ReconstructionTraining",
    "ReuseAttack",
    "SeparatedLabelAttack",
    "SeparatedPictures",
    "SeparatorTraining",
    "SetAttack",
    "membership_group",
    "membership_likelihood",
    "membership_pool",
    "membership_pool_inverse",
    "membership_single",
    "separators",
]
_NAMES = {
    "base": ("Attack", "AttackScore"),
    "linked.critic": ("SeparatorTraining",),
    "linked.picture_attack": ("SeparatedPictures",),
    "linked.separation_attack": ("KeyAttack", "SeparatedLabelAttack", "separators"),
    "linked.span": ("CandidateAttack", "InjectedAttack", "ReuseAttack"),
    "membership.attack": (
        "MembershipAttack",
        "membership_group",
        "membership_likelihood",
        "membership_pool",
        "membership_pool_inverse",
        "membership_single",
    ),
    "pooled.linker": ("LinkAttack",),
    "pooled.pooled_attack": ("PooledKeyAttack",),
    "pooled.pooled_labels": ("PooledLabelAttack",),
    "single.label_attack": ("LabelAttack",),
    "single.linear_probe": ("LinearProbe",),
    "single.network_attack": ("AttackTraining",),
    "single.reconstruction": ("ReconstructionAttack", "ReconstructionTraining"),
    "single.set_attack": ("SetAttack",),
}
__getattr__, __dir__ = lazily(
    __name__, {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}
)
