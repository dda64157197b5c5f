"""What an attacker can learn from what the cloud receives."""

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.linked.critic import SeparatorTraining
from datamix_tf.attacks.linked.picture_attack import SeparatedPictures
from datamix_tf.attacks.linked.separation_attack import KeyAttack, SeparatedLabelAttack, separators
from datamix_tf.attacks.linked.span import CandidateAttack, InjectedAttack, ReuseAttack
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
    "PooledKeyAttack",
    "PooledLabelAttack",
    "ReconstructionAttack",
    "ReconstructionTraining",
    "ReuseAttack",
    "SeparatedLabelAttack",
    "SeparatedPictures",
    "SeparatorTraining",
    "SetAttack",
    "separators",
]
