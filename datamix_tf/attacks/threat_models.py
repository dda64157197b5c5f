"""Attackers with stated knowledge and view: what each attack assumes, under a name."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class ThreatModel:
    """An attacker with stated knowledge and view. All know code, weights and training data of the same kind.

    Attributes:
        name: What it is called everywhere.
        sees: What the attacker sees, as a clause of a sentence.
    """

    name: str
    sees: str


#: Whoever sees one tensor alone; all others see mixtures of a group beside each other.
SINGLE = "single"
THREATS = {
    threat.name: threat
    for threat in (
        ThreatModel(SINGLE, "one mixture alone (the papers' measure)"),
        ThreatModel("linked", "the mixtures of one group, known to belong together"),
        ThreatModel("pooled", "the mixtures of many groups, shuffled"),
        ThreatModel("injected", "the mixtures of one group, some inputs of which it has chosen"),
        ThreatModel("reuse", "the mixtures of two groups that share an input"),
        ThreatModel("output", "the rows that it returns for one group"),
    )
}
#: Names in older files -> today's: asking for a candidate is an aim under every view, not a view of its own.
FORMER = {"candidate": "linked"}
