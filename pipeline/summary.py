"""The table in the terminal at the end of a run."""

from __future__ import annotations

from components.reporter import entry_key, human, members_of

HEADINGS = ("method", "edge params", "edge MACs", "bytes up", "test acc.", "balanced", "AUC")


def table(metrics: dict) -> str:
    """The methods of a run as aligned text, with mean and standard deviation over seeds, and the attack scores."""
    attacks = sorted({name for row in metrics["rows"] for name in row["attacks"]})
    lines = [[*HEADINGS, *(f"attack: {name} (chance, n)" for name in attacks)]]
    for entry in metrics["summary"]:
        figures = [_spread(entry, key) for key in ("test_accuracy", "balanced_accuracy", "auc")]
        costs = [human(entry[key]) for key in ("edge_params", "edge_macs", "bytes_up")]
        lines.append([entry_key(entry), *costs, *figures, *(_attack(entry, name, metrics["rows"]) for name in attacks)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = [
        "  ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    text.insert(1, "-" * len(text[0]))
    text.append("Attacks see single mixtures. A cloud that compares the mixtures of a group learns far more (README).")
    return "\n".join(text)


def _spread(entry, key):
    text = f"{100 * entry['mean'][key]:.1f}"
    return f"{text} ± {100 * entry['std'][key]:.1f}" if entry["seeds"] > 1 else text


def _attack(entry, name, rows):
    key = f"attack {name}"
    if key not in entry["mean"]:
        return "-"
    attack = members_of(entry, rows)[0]["attacks"][name]
    return f"{_spread(entry, key)} ({100 * attack['chance']:.1f}, {attack['n']})"
