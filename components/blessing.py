"""Which models may be pushed: accuracy and leakage against thresholds."""

from __future__ import annotations

import dataclasses

from components.records.metrics import Row


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """What a model must reach.

    Attributes:
        min_balanced_accuracy: Least balanced accuracy on the test split, 0 to 1.
        max_leakage: Most that any attack on it may gain over chance, as a share of what there is to gain, 0 to 1.
    """

    min_balanced_accuracy: float = 0.0
    max_leakage: float = 1.0


def blessing(rows: list[Row], model: str, thresholds: Thresholds) -> dict:
    """Whether a model may be pushed.

    Args:
        rows: Those of `metrics.json`.
        model: Name of the trained model.
        thresholds: What it must reach.

    Returns:
        `blessed`, and `checks`: for each what was asked, what was found, and whether it passed.
    """
    from datamix_tf.metrics import advantage

    row = next(row for row in rows if row.model == model)
    accuracy = row.balanced_accuracy
    checks = [_check("balanced accuracy", accuracy, ">=", thresholds.min_balanced_accuracy)]
    for name, attack in row.attacks.items():
        if attack.is_share:
            gained = advantage(attack.score, attack.chance)
            checks.append(_check(f"gain of the attack {name}", gained, "<=", thresholds.max_leakage))
    return {"model": model, "blessed": all(check["passed"] for check in checks), "checks": checks}


def refusals(blessings: list[dict]) -> list[str]:
    """What was not reached, as text."""
    checks = (check for found in blessings for check in found["checks"])
    return [f"{check['check']}: {check['found']}" for check in checks if not check["passed"]]


def _check(name, value, relation, limit):
    passed = value >= limit if relation == ">=" else value <= limit
    return {"check": f"{name} {relation} {limit:g}", "found": f"{value:.4f}", "passed": bool(passed)}
