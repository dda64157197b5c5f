"""About how long attacks take, as their specs say: what comes first, and what a bar expects."""

from __future__ import annotations

from typing import Any

from datamix_tf.attacks.catalogue import get_attack

#: The settings that `AttackSpec.seconds` is told for: those of an audit.
EPOCHS, STEPS = 10, 800
#: Seconds below which an attack is a short one.
LEAST = 10


def expected_seconds(config: Any) -> float:
    """About how long an attack takes on 2 cores, on a half-width ResNet-18 at 64 x 64 and some thousand examples.

    Args:
        config: Its `components.attacker.AttackConfig`.
    """
    spec = get_attack(config.attack)
    share = {"epochs": config.epochs / EPOCHS, "steps": config.steps / STEPS}.get(spec.grows_with, 1.0)
    return spec.seconds * share


def is_short(config: Any) -> bool:
    """Whether an attack takes but a moment: such attacks come first."""
    return expected_seconds(config) < LEAST
