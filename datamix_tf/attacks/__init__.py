"""What an attacker can learn from what the cloud receives."""

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.label_attack import LabelAttack
from datamix_tf.attacks.linear_probe import LinearProbe
from datamix_tf.attacks.network_attack import AttackTraining
from datamix_tf.attacks.reconstruction import ReconstructionAttack, ReconstructionTraining
from datamix_tf.attacks.separation_attack import KeyAttack, SeparatedLabelAttack
from datamix_tf.attacks.set_attack import SetAttack

__all__ = [
    "Attack",
    "AttackScore",
    "AttackTraining",
    "KeyAttack",
    "LabelAttack",
    "LinearProbe",
    "ReconstructionAttack",
    "ReconstructionTraining",
    "SeparatedLabelAttack",
    "SetAttack",
]
