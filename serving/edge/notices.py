"""What a user is told at the first prediction: what is not protected, and what the sending assumes."""

from __future__ import annotations

import urllib.parse
from collections.abc import Sequence

from serving.edge.manifest import Manifest, MeasuredAttack
from serving.protocol.addresses import is_loopback, masked

MEASURES = {"key_agreement": "agreement with the key", "auc": "area under the ROC curve"}
#: Threat models of `MeasuredAttack` -> what the cloud has then.
SEES = {
    "single": "one mixture alone",
    "linked": "a group's mixtures side by side",
    "pooled": "mixtures of many groups, shuffled",
}


def notices(
    described: Manifest,
    url: str,
    *,
    oblivious: bool,
    token: bool,
    drawn: bool,
    inputs_per_group: int,
    signed: bool,
    counted: bool,
) -> list[str]:
    """Two lines.

    Args:
        described: The bundle's manifest.
        url: Where the mixtures go.
        oblivious: Whether through a relay, each by itself.
        token: Whether a bearer token goes along.
        drawn: Whether covers are drawn.
        inputs_per_group: Most true inputs in a group, where they are.
        signed: Whether the bundle was signed by somebody whom the user trusts.
        counted: Whether uses of covers are counted across processes.
    """
    assumed = []
    if not drawn:
        alone = "" if counted else ", and no other process sends them (cover_uses=)"
        assumed.append(f"nobody but you knows the covers (who does undoes the mixing){alone}")
    elif inputs_per_group > 1:
        assumed.append(f"up to {inputs_per_group} inputs share a group, for which no certificate holds")
    if oblivious:
        assumed.append("relay and cloud do not tell each other what they know, and others ask at the same time")
    if oblivious and token:
        assumed.append("many users share the token, which else tells who asks")
    if not signed:
        assumed.append("the bundle's maker is honest (no --trusted_key_file)")
    parsed = urllib.parse.urlsplit(url)
    if parsed.scheme == "http" and not is_loopback(parsed.hostname or ""):
        what = "the token and what is sent" if token and not oblivious else "what is sent"
        assumed.append(f"nobody reads {what} on its way: {masked(url)} is plain http")
    return [_protection(described, oblivious), f"this assumes: {'; '.join(assumed) or 'nothing more'}"]


def worst(attacks: Sequence[MeasuredAttack]) -> MeasuredAttack | None:
    """The attack that gains most of what there is to gain over guessing."""
    return max(attacks, key=lambda attack: (attack.score - attack.chance) / max(1 - attack.chance, 1e-9), default=None)


def _protection(described: Manifest, oblivious: bool) -> str:
    attack = worst([one for one in described.attacks if one.threat in ("single", "pooled" if oblivious else "linked")])
    if attack is None:
        measured = "what attacks make of this model was not measured"
    else:
        measure = MEASURES.get(attack.measure, attack.measure.replace("_", " "))
        measured = (
            f"from {SEES[attack.threat]} the attack {attack.name} reached {100 * attack.score:.1f} % {measure} on this "
            f"model (guessing: {100 * attack.chance:.1f} %, n = {attack.n})"
        )
    if not oblivious:
        return f"not protected: {measured}; without a relay (--oblivious) the cloud has each group side by side"
    if not any(one.threat == "pooled" for one in described.attacks):
        measured += "; whether mixtures betray which of them belong together was not measured (pipeline.audit)"
    return f"not protected: {measured}"
