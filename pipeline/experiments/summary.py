"""The tables in the terminal at the end of a run."""

from __future__ import annotations

from components.evaluation.answer import leakage
from components.records.metrics import Metrics
from components.report.page import human
from components.report.worst_attack import asked_for
from datamix_tf.defences import Defence

HEADINGS = ("method", "edge params", "edge MACs", "bytes up", "test acc.", "balanced", "AUC")
GAIN = "gain over the edge alone (s.e.)"
WORST = "worst attack: share of what there is to gain"
CAUTION = (
    "Columns of attacks are of single tensors, as in the papers. The worst attack is of all that were tried, those "
    "included that compare the mixtures of a group or of many."
)
AGAIN = (
    "People of the train and the test split are not the same: attacks on who is shown learn from a part of the test "
    "split's pictures of each person and are scored on another (--identity_split)."
)
SCORES = {"valid": "valid_accuracy", "test": "test_accuracy", "balanced": "balanced_accuracy"}


def table(metrics: Metrics) -> str:
    """The methods of a run as aligned text, with mean and standard deviation over seeds, and the attack scores."""
    attacks = sorted(asked_for(metrics.rows))
    gains = [GAIN] if any(entry.gain for entry in metrics.summary) else []
    lines = [[*HEADINGS, *gains, *(f"attack: {name} (chance, n)" for name in attacks), WORST]]
    for entry in metrics.summary:
        figures = [_spread(entry, key) for key in ("test_accuracy", "balanced_accuracy", "auc")]
        figures += [_gain(entry)] if gains else []
        lines.append(
            [
                entry.label,
                *_costs(entry),
                *figures,
                *(_attack(entry, name, metrics.rows) for name in attacks),
                _worst(entry, metrics.rows),
            ]
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = [
        "  ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    text.insert(1, "-" * len(text[0]))
    return "\n".join([*text, CAUTION, *_notes(metrics)])


def _notes(metrics):
    """What else must be known of the attacks: those that were skipped, with the reason, and where they learned."""
    skipped, again = {}, False
    for row in metrics.rows:
        for name, attack in row.attacks.items():
            if attack.skipped and name in asked_for([row]):
                skipped.setdefault(f"{name} was skipped: {attack.skipped}.", []).append(row.label)
            again = again or attack.details.get("identity_split") == "test"
    notes = [f"{reason} ({'; '.join(dict.fromkeys(labels))})" for reason, labels in skipped.items()]
    return notes + ([AGAIN] if again else [])


def experiment_table(metrics: Metrics, experiment) -> str:
    """A paper's table as Markdown: below each row the paper's figures, then all attacks with chance and count.

    Args:
        metrics: Of the run, with its settings.
        experiment: A `pipeline.experiments.Experiment`.
    """
    settings, dataset = metrics.settings, metrics.dataset
    names = _label_names(dataset)
    headings = ["method", "params", "MACs", "bytes up", *experiment.columns]
    seeds = metrics.summary[0].seeds
    lines = [
        f"# {experiment.title}",
        f"Data: {dataset.name}, {dataset.splits['train']} train, {dataset.splits['test']} test examples, "
        f"{'x'.join(map(str, dataset.shape))}. Preset {settings['preset']}: width {settings['width']}, "
        f"{settings['epochs']} epochs; {seeds} seed{'s' if seeds > 1 else ''}. Figures in %.",
        _markdown(headings, _lines(metrics, experiment, headings, names)),
        "Attacks. The interval is over test examples, or groups of them, of each seed, and the mean of the seeds; "
        "chance of naming a class is what always naming the most frequent training label reaches:",
        _markdown(["method", "attack", "score", "95 % interval", "chance", "blind guess", "n"], _attack_lines(metrics)),
        CAUTION,
        *_notes(metrics),
    ]
    return "\n\n".join(lines)


def _lines(metrics, experiment, headings, names):
    """The rows of a paper's table, each followed by the paper's figures."""
    lines = []
    for row in experiment.rows:
        entry = _entry_of(row, metrics.summary)
        figures = [_figure(entry, source.format(**names)) for source in experiment.columns.values()]
        lines.append([entry.label, *_costs(entry), *figures])
        if row.paper:
            lines.append(["*the paper*", *(str(row.paper.get(heading, "")) for heading in headings[1:])])
    return lines


def _attack_lines(metrics):
    lines = []
    for entry in metrics.summary:
        members = entry.members(metrics.rows)
        for name, attack in members[0].attacks.items():
            if attack.skipped:
                lines.append([entry.label, name, f"skipped: {attack.skipped}", "", "", "", ""])
                continue
            guess = "" if attack.guess is None else _number(attack.guess, attack)
            told = [_figure(entry, name), _interval(members, name), _number(attack.chance, attack), guess]
            lines.append([entry.label, name, *told, str(attack.n)])
    return lines


def _interval(members, name):
    """The mean over seeds of the ends of the intervals: all seeds are scored on the same test examples."""
    tried = [row.attacks[name] for row in members if name in row.attacks]
    ends = [attack.ends for attack in tried if not attack.skipped and attack.ends]
    if not ends:
        return ""
    return " to ".join(_number(sum(end) / len(ends), tried[0]) for end in zip(*ends, strict=True))


def _costs(entry):
    return [human(cost) for cost in (entry.edge_params, entry.edge_macs, entry.bytes_up)]


def _label_names(dataset):
    """What the data set's target and its first hidden column are called as attacks."""
    target = "attributes" if dataset.task == "binary" else dataset.target[0]
    return {"target": target, "hidden": (*dataset.hidden, "")[0]}


def _entry_of(row, summary):
    """The summary's entry for a `pipeline.experiments.rows.Row`; of a class, its first variant."""
    settings = row.defence.settings if isinstance(row.defence, Defence) else {}
    return next(e for e in summary if e.method == row.defence.id and settings.items() <= e.settings.items())


def _figure(entry, source):
    key = SCORES.get(source, f"attack {source}")
    if key not in entry.mean:
        return ""
    if source == "reconstruction":
        spread = f" ± {entry.std[key]:.2f}" if entry.seeds > 1 else ""
        return f"{entry.mean[key]:.2f}{spread}"
    return _spread(entry, key)


def _number(value, attack):
    return f"{value:.2f}" if attack.measure == "inverse_mse" else f"{100 * value:.1f}"


def _markdown(headings, lines):
    rule = ["---"] * len(headings)
    return "\n".join("| " + " | ".join(line) + " |" for line in (headings, rule, *lines))


def _spread(entry, key):
    text = f"{100 * entry.mean[key]:.1f}"
    return f"{text} ± {100 * entry.std[key]:.1f}" if entry.seeds > 1 else text


def _gain(entry):
    """What a cloud adds, in points."""
    if entry.gain is None:
        return "-"
    return f"{100 * entry.gain.share:+.1f} ({100 * entry.gain.standard_error:.1f})"


def _worst(entry, rows):
    """The worst of all attacks on a method."""
    if entry.defence.sends_nothing:
        return "nothing is sent"
    found = leakage(entry, rows)
    if entry.defence.leakage is not None:
        return "1.00: raw inputs are sent"
    return f"{found.share:.2f}: {found.by}" if found.measured else "not measured"


def _attack(entry, name, rows):
    key = f"attack {name}"
    if key not in entry.mean:
        return "-"
    attack = entry.members(rows)[0].attacks[name]
    return f"{_figure(entry, name)} ({_number(attack.chance, attack)}, {attack.n})"
