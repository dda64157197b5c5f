"""All that was measured of what the cloud learns of a method, and the worst of it."""

from __future__ import annotations

from components.metrics_rows import members_of

SINGLE = "single"


def attacks_on(entry: dict, page: dict, audit: dict | None = None) -> list[dict]:
    """The attacks on a method that have a meaning and a chance level.

    Args:
        entry: Of the summary of `metrics.json`.
        page: The content of `page.json`.
        audit: The content of `audit.json`, of the same models.

    Returns:
        Dictionaries with `name`, `threat`, `score` (mean over seeds), `chance`, `n`, `measure`, `gain` (share of what
        there is to gain over chance) and `from`: the run's attacks, the page's own separation, or the audit.
    """
    members = members_of(entry, page["metrics"]["rows"])
    found = []
    for name, attack in members[0]["attacks"].items():
        if "skipped" not in attack and attack["measure"] != "inverse_mse":
            mean = entry["mean"][f"attack {name}"]
            threat = attack.get("threat", attack.get("threat_model", SINGLE))  # the latter up to 0.1
            found.append(_attack(attack, name, "the run's attacks", mean, threat))
    others = [("this page's separation", score) for m, score in page["separation"].items() if m in entry["models"]]
    others += [
        ("the audit", score) for score in (audit or {"scores": []})["scores"] if score["model"] in entry["models"]
    ]
    found += [_attack(score, score["name"], origin) for origin, score in others if "skipped" not in score]
    return found


def worst(attacks: list[dict]) -> dict | None:
    """The attack that gains most over chance, or `None` where none ran."""
    return max(attacks, key=lambda attack: attack["gain"], default=None)


def _attack(score, name, origin, value=None, threat=None):
    from datamix_tf.metrics import advantage

    value = score["score"] if value is None else value
    return {
        "name": name,
        "threat": threat or score["threat"],
        "score": value,
        "chance": score["chance"],
        "n": score["n"],
        "measure": {"auc": "AUC"}.get(score["measure"], score["measure"].replace("_", " ")),
        "standard_error": score.get("standard_error"),
        "gain": advantage(value, score["chance"]),
        "from": origin,
    }
