"""What stands first on the page: of the packaged model accuracy, leakage by the worst attack, bytes, edge share."""

from __future__ import annotations

from components.metrics_rows import defence_of, entry_key
from components.report.worst import attacks_on, worst
from datamix_tf.defences import Cloud


def packaged(page: dict) -> dict:
    """The entry of the summary that the packaged model belongs to."""
    entries = [e for e in page["metrics"]["summary"] if not defence_of(e).sends_nothing]
    return next(entry for entry in entries if page["model"] in entry["models"])


def headline(page: dict, audit: dict | None) -> dict:
    """The figures of the headline, and which threat models nobody has tried."""
    from datamix_tf.attacks.threat_models import THREATS

    entry = packaged(page)
    attacks = attacks_on(entry, page, audit)
    tried = {attack["threat"] for attack in attacks}
    return {
        "method": entry_key(entry),
        "entry": entry,
        "n": page["data"]["splits"]["test"],
        "attack": worst(attacks),
        "untried": [name for name in THREATS if name not in tried],
        "tried": [name for name in THREATS if name in tried],
        "audited": audit is not None,
        "edge_share": page["edge_shares"][entry_key(entry)],
        "plain": next((e for e in page["metrics"]["summary"] if defence_of(e).trained_as == Cloud()), None),
    }
