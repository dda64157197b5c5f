"""What an audit says: whether an attack succeeds, the worst of each threat model, and a sentence that can be quoted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from datamix_tf.attacks.threat_models import THREATS
from datamix_tf.metrics import advantage
from datamix_tf.uncertainty import NORMAL


def interval_of(score: dict[str, Any]) -> tuple[float, float] | None:
    """The ends of a score's 95 % interval: its own, or from the standard error of what older versions measured.

    Args:
        score: A dictionary as of `AttackScore.to_dict`.

    Returns:
        `(low, high)`, or `None` if it has neither.
    """
    if score.get("interval") is not None:
        low, high = score["interval"]
        return low, high
    if score.get("standard_error") is None:
        return None
    reach = NORMAL * score["standard_error"]
    return score["score"] - reach, score["score"] + reach


def succeeds(score: dict[str, Any]) -> bool:
    """Whether all of a score's 95 % interval lies above what guessing reaches, with the training labels or without."""
    interval = interval_of(score)
    return interval is not None and interval[0] > max(score["chance"], score.get("guess") or 0.0)


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
    interval, guess = interval_of(score), score.get("guess")
    told = "" if interval is None else f"95 % interval {interval[0]:.3f} to {interval[1]:.3f}, "
    blind = "" if guess is None else f", a blind guess {guess:.3f}"
    figures = (
        f"{score['measure'].replace('_', ' ')} {score['score']:.3f} ({told}{score['n']} trials; "
        f"chance {score['chance']:.3f}{blind})"
    )
    verdict = "not protected against it" if succeeds(score) else "no success was measured"
    return (
        f"{score['threat']}: a cloud that sees {THREATS[score['threat']].sees}: {score['name']}, {figures}: {verdict}."
    )


def _advantage(score: dict[str, Any]) -> float:
    return advantage(score["score"], score["chance"])
