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
        ThreatModel("candidate", "the mixtures of one group, and asks whether a photo or recording is among them"),
        ThreatModel("reuse", "the mixtures of two groups that share an input"),
        ThreatModel("output", "the rows that it returns for one group"),
    )
}
