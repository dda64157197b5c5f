"""All that was measured of what the cloud learns of a method, and the worst of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from components.records.attacks import AttackResult, Separation
from components.records.audit import AuditReport
from components.records.metrics import Row, SummaryEntry
from components.records.page import Page
from datamix_tf.attacks.catalogue import all_attacks
from datamix_tf.attacks.threat_models import SINGLE


@dataclasses.dataclass(frozen=True)
class Leak:
    """What an attack learns of a method.

    Attributes:
        name: What tables call the attack.
        threat: Its threat model.
        score: Its success, the mean over seeds.
        chance: What guessing reaches.
        n: Examples, or groups, behind the score.
        measure: What the score is, in words.
        gain: Share of what there is to gain over chance.
        origin: Who ran it: the run's attacks, the page's own separation, or the audit.
    """

    name: str
    threat: str
    score: float
    chance: float
    n: int
    measure: str
    gain: float
    origin: str


def asked_for(rows: Iterable[Row]) -> list[str]:
    """Names of the attacks that a run was asked for, which have a column of their own: not those of every run."""
    quick = {spec.id for spec in all_attacks().values() if spec.quick}
    return list(dict.fromkeys(name for row in rows for name, attack in row.attacks.items() if attack.id not in quick))


def attacks_on(entry: SummaryEntry, page: Page, audit: AuditReport | None = None) -> list[Leak]:
    """The attacks on a method that have a meaning and a chance level; the audit is of the page's models."""
    found = []
    for name, attack in entry.members(page.metrics.rows)[0].attacks.items():
        if attack.is_share:
            threat = attack.threat or attack.details.get("threat_model", SINGLE)  # the latter up to 0.1
            found.append(_leak(attack, name, threat, entry.mean[f"attack {name}"], "the run's attacks"))
    others = [("this page's separation", score) for m, score in page.separation.items() if m in entry.models]
    others += [("the audit", score) for score in (audit.of(entry.models) if audit else ()) if not score.skipped]
    return found + [_leak(score, score.name, score.threat, score.score, origin) for origin, score in others]


def worst_attack(attacks: list[Leak]) -> Leak | None:
    """The attack that gains most over chance, or `None` where none ran."""
    return max(attacks, key=lambda attack: attack.gain, default=None)


def _leak(result: AttackResult | Separation, name, threat, score, origin):
    from datamix_tf.metrics import advantage

    measure = {"auc": "AUC"}.get(result.measure, result.measure.replace("_", " "))
    return Leak(name, threat, score, result.chance, result.n, measure, advantage(score, result.chance), origin)
