"""What stands first on the page: of the packaged model accuracy, leakage by the worst attack, bytes, edge share."""

from __future__ import annotations

import dataclasses

from components.records.audit import AuditReport
from components.records.metrics import SummaryEntry
from components.records.page import Page
from components.report.worst_attack import Leak, attacks_on, worst_attack
from datamix_tf.attacks.threat_models import THREATS
from datamix_tf.defences import Cloud


@dataclasses.dataclass(frozen=True)
class Headline:
    """The figures of the headline.

    Attributes:
        entry: Of the packaged model.
        n: Test examples behind accuracies.
        attack: The worst on it, or `None` where none ran.
        untried: Threat models that nobody has tried.
        audited: Whether there is an audit.
        edge_share: Share of all multiply-adds that the edge does.
        plain: The entry of the same network without mixing, or `None`.
    """

    entry: SummaryEntry
    n: int
    attack: Leak | None
    untried: list[str]
    audited: bool
    edge_share: float
    plain: SummaryEntry | None


def packaged(page: Page) -> SummaryEntry:
    """The entry of the summary that the packaged model belongs to."""
    entries = [entry for entry in page.metrics.summary if not entry.defence.sends_nothing]
    return next(entry for entry in entries if page.model in entry.models)


def headline(page: Page, audit: AuditReport | None) -> Headline:
    """The figures of the headline, and which threat models nobody has tried."""
    entry = packaged(page)
    attacks = attacks_on(entry, page, audit)
    tried = {attack.threat for attack in attacks}
    return Headline(
        entry=entry,
        n=page.data.splits["test"],
        attack=worst_attack(attacks),
        untried=[name for name in THREATS if name not in tried],
        audited=audit is not None,
        edge_share=page.edge_shares[entry.label],
        plain=next((entry for entry in page.metrics.summary if entry.defence.trained_as == Cloud()), None),
    )
