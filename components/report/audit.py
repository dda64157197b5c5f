"""What an audit says, as text: for each model the worst attack of each threat model, then all attacks."""

from __future__ import annotations

from components.records.audit import AuditReport

HEADINGS = (
    *("threat", "attack", "measure", "score", "95 % interval", "chance", "blind guess", "standard error"),
    *("n", "seconds"),
)


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
        "chance is what a random rotation reaches under the same matching. Where a class is named, chance is what "
        "always naming the most frequent training label reaches, and a blind guess one of all classes. Intervals come "
        "from drawing again test examples, groups or pools, whichever are independent. An attack that fails proves "
        "nothing."
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
    lines = [f"| {' | '.join(HEADINGS)} |", "| --- " * len(HEADINGS) + "|"]
    for score in scores:
        line = f"| {score.threat} | {score.name} |"
        if score.skipped:
            lines.append(f"{line} skipped: {score.skipped} |{' |' * (len(HEADINGS) - 3)}")
            continue
        low, high = score.ends
        guess = "" if score.guess is None else f"{score.guess:.3f}"
        told = (f"{score.score:.3f}", f"{low:.3f} to {high:.3f}", f"{score.chance:.3f}", guess)
        figures = " | ".join((*told, f"{score.standard_error:.3f}"))
        lines.append(f"{line} {score.measure.replace('_', ' ')} | {figures} | {score.n} | {score.seconds:.0f} |")
    return "\n".join(lines)
