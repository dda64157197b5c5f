"""What an attacker can learn from what the cloud receives."""

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.label_attack import LabelAttack

__all__ = ["Attack", "AttackScore", "LabelAttack"]
