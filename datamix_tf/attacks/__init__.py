"""What an attacker can learn from what the cloud receives."""

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.critic import SeparatorTraining
from datamix_tf.attacks.label_attack import LabelAttack
from datamix_tf.attacks.linear_probe import LinearProbe
from datamix_tf.attacks.linker import LinkAttack
from datamix_tf.attacks.network_attack import AttackTraining
from datamix_tf.attacks.picture_attack import SeparatedPictures
from datamix_tf.attacks.pooled_attack import PooledKeyAttack
from datamix_tf.attacks.pooled_labels import PooledLabelAttack
from datamix_tf.attacks.reconstruction import ReconstructionAttack, ReconstructionTraining
from datamix_tf.attacks.separation_attack import KeyAttack, SeparatedLabelAttack, separators
from datamix_tf.attacks.set_attack import SetAttack
from datamix_tf.attacks.span import CandidateAttack, InjectedAttack, ReuseAttack

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
