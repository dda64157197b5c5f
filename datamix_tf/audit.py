"""What an audit says: whether an attack succeeds, the worst of each threat model, and a sentence that can be quoted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from datamix_tf.attacks.threat_models import THREATS
from datamix_tf.metrics import advantage

SIGNIFICANT = 2.0  # standard errors above chance from which an attack counts as successful


def succeeds(score: dict[str, Any]) -> bool:
    """Whether a score is more than `SIGNIFICANT` standard errors above chance."""
    return score["score"] - score["chance"] > SIGNIFICANT * score["standard_error"]


def headlines(scores: Iterable[dict[str, Any]]) -> dict[str, dict]:
    """For each threat model the worst attack: threat name -> its score, the one with the largest advantage.

    Args:
        scores: Dictionaries as of `AttackScore.to_dict`, each with `threat`.
    """
    found: dict[str, dict] = {}
    for score in scores:
        worst = found.get(score["threat"])
        if "skipped" not in score and (worst is None or _advantage(score) > _advantage(worst)):
            found[score["threat"]] = score
    return {name: found[name] for name in THREATS if name in found}


def sentence(score: dict[str, Any]) -> str:
    """One sentence on an attack's success that a reviewer can quote."""
    low, high = (score["score"] + sign * 1.96 * score["standard_error"] for sign in (-1, 1))
    figures = (
        f"{score['measure'].replace('_', ' ')} {score['score']:.3f} (95 % interval {low:.3f} to {high:.3f}, "
        f"{score['n']} trials; chance {score['chance']:.3f})"
    )
    verdict = "not protected against it" if succeeds(score) else "no success was measured"
    return (
        f"{score['threat']}: a cloud that sees {THREATS[score['threat']].sees}: {score['name']}, {figures}: {verdict}."
    )


def _advantage(score: dict[str, Any]) -> float:
    return advantage(score["score"], score["chance"])
