"""What an audit says, as text: for each model the worst attack of each threat model, then all attacks."""

from __future__ import annotations


def text(audit: dict) -> str:
    """Markdown of `audit.json`."""
    from datamix_tf.audit import headlines, sentence
    from datamix_tf.defences import from_dict

    parts = [f"# What the cloud learns: {audit['dataset']['name']}", f"Made by `{audit['command']}`."]
    for name, config in audit["models"].items():
        scores = [score for score in audit["scores"] if score["model"] == name]
        defence = from_dict(config["defence"])
        title = f"N_pre={defence.num_pre_blocks}, S_G={defence.group_size}"
        worst = headlines(scores)
        parts.append(f"## {name} ({title})")
        parts.append("\n".join(f"- {sentence(score)}" for score in worst.values()))
        parts.append(_table(scores))
    parts.append(
        "Key agreement is the mean matched absolute entry of W A: 1 where the key is undone up to order and signs; "
        "chance is what a random rotation reaches under the same matching. An attack that fails proves nothing."
    )
    return "\n\n".join(parts)


def _table(scores):
    lines = ["| threat | attack | measure | score | chance | standard error | n | seconds |", "| --- " * 8 + "|"]
    for score in scores:
        if "skipped" in score:
            lines.append(f"| {score['threat']} | {score['name']} | skipped: {score['skipped']} | | | | | |")
            continue
        figures = " | ".join(f"{score[key]:.3f}" for key in ("score", "chance", "standard_error"))
        measure = score["measure"].replace("_", " ")
        lines.append(
            f"| {score['threat']} | {score['name']} | {measure} | {figures} | {score['n']} | {score['seconds']:.0f} |"
        )
    return "\n".join(lines)
