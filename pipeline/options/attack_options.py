"""Which attacks measure what the cloud learns, and how long they learn."""

from __future__ import annotations

import dataclasses

from components.errors import InputError
from components.training.label_splits import AUTO, IDENTITY_SPLITS
from datamix_tf.attacks.catalogue import all_attacks
from datamix_tf.settings import above, at_least, registered, setting

STARTS = ("trained", "fresh")


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttackOptions:
    """How long attack networks are trained."""

    GROUP = "attacks"

    attack_epochs: int = setting(6, "most passes of an attack network; 0 runs no attacks", **at_least(0))
    identity_split: str = setting(
        AUTO,
        "where attacks on hidden columns learn and are scored. model: the model's train and test split; test: its test "
        "split, split again so that each person (or other value) is in all parts; auto: test where official lists have "
        "other people in each split, else model",
        choices=IDENTITY_SPLITS,
    )
    attack_patience: int = setting(0, "passes without a gain after which it ends; 0: never", **at_least(0))


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttackChoiceOptions(AttackOptions):
    """Which attacks a run tries."""

    GROUP = "attacks"

    attacks: tuple[str, ...] = setting(("label",), "which attacks a run tries, with commas", **registered(all_attacks))
    quick_audit: bool = setting(
        True, "on every mixing model also all attacks that train nothing: those of a group, a pool, a candidate"
    )
    attack_learning_rates: tuple[float, ...] = setting((1e-3,), "each is tried, the best counts", **above(0))
    attack_starts: tuple[str, ...] = setting(
        ("trained",),
        "trained (from M_main's weights) and fresh; each is tried, the best counts",
        choices=STARTS,
    )
    attack_optimizer: str = setting(
        "adamw", "of attack networks; adamw has a weight decay of 0.01", choices=("adamw", "adam")
    )
    attack_schedule: str = setting(
        "cosine",
        "of their learning rate; steps: ten times lower after 40 % and 80 % of the epochs",
        choices=("cosine", "steps"),
    )
    reconstruction_epochs: int = setting(20, "passes of Pix2Pix", **at_least(1))
    reconstruction_width: int = setting(64, "filters of Pix2Pix's first convolutions", **at_least(1))
    min_examples: int = setting(8, "train examples that an identity needs to be attacked", **at_least(1))


def check_starts(options: AttackChoiceOptions) -> None:
    """Refuses attacks that start from nothing. Raises InputError."""
    if not options.attack_starts:
        raise InputError(f"--attack_starts must be of {', '.join(STARTS)}; received ''")
