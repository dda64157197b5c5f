"""What an audit says, as text: for each model the worst attack of each threat model, then all attacks."""

from __future__ import annotations

from components.records.audit import AuditReport


def text(audit: AuditReport) -> str:
    """Markdown of `audit.json`."""
    from datamix_tf.defences import from_dict

    parts = [f"# What the cloud learns: {audit.dataset.name}", f"Made by `{audit.command}`."]
    for name, config in audit.models.items():
        defence = from_dict(config["defence"])
        title = f"N_pre={defence.num_pre_blocks}, S_G={defence.group_size}"
        parts.append(f"## {name} ({title})")
        lines = [sentence for sentence, _ in audit.sentences([name])] + certified(defence)
        parts.append("\n".join(f"- {line}" for line in lines))
        parts.append(_table(audit.of([name])))
    parts.append(
        "Key agreement is the mean matched absolute entry of W A: 1 where the key is undone up to order and signs; "
        "chance is what a random rotation reaches under the same matching. An attack that fails proves nothing."
    )
    return "\n\n".join(parts)


def certified(defence) -> list[str]:
    """What no membership attacker exceeds on a mixed bottleneck, in a sentence; nothing for other defences."""
    from datamix_tf.certificate import certificate

    numbers, size = getattr(defence, "bottleneck_units", 0), defence.group_size
    if not numbers or size < 2:
        return []
    told = {view: certificate(numbers, size, view=view) for view in ("single", "linked")}
    figures = {view: f"{bound.auc:.3f} (standard error {bound.standard_error:.3f})" for view, bound in told.items()}
    return [
        "certificate: if each group hides one true input among covers drawn from N(0, I), no membership attacker, "
        f"however strong, exceeds an AUC of {figures['single']} for one mixture, or {figures['linked']} for the whole "
        f"group ({numbers} numbers, S_G={size}; codes like N(0, I), of the largest length that is sent; chance 0.500)."
    ]


def _table(scores):
    lines = ["| threat | attack | measure | score | chance | standard error | n | seconds |", "| --- " * 8 + "|"]
    for score in scores:
        line = f"| {score.threat} | {score.name} |"
        if score.skipped:
            lines.append(f"{line} skipped: {score.skipped} | | | | | |")
            continue
        figures = " | ".join(f"{value:.3f}" for value in (score.score, score.chance, score.standard_error))
        lines.append(f"{line} {score.measure.replace('_', ' ')} | {figures} | {score.n} | {score.seconds:.0f} |")
    return "\n".join(lines)
