"""Accuracy against leakage against bytes: the points of the interactive figure, every method of every run."""

from __future__ import annotations

from components.report.worst_attack import attacks_on, worst_attack
from datamix_tf.attacks.threat_models import SINGLE

#: Settings that every row has and nobody compares.
UNTOLD = ("seed",)


def trade_off(runs: list) -> dict:
    """The data of the figure, JSON-ready.

    Args:
        runs: `components.report.page.RunPage`s.

    Returns:
        `axes`, name -> (label, whether it is a share, whether less is better); `points`, each with `label`, `run`,
        `values` by axis (`None` where nothing was measured) and `settings` (texts that are shown beside it).
    """
    several = len(runs) > 1
    points, names = [], {}
    for number, run in enumerate(runs):
        for entry in run.page.metrics.summary:
            point, more = _point(entry, run, number, several)
            points.append(point)
            names |= more
    axes = {
        "leakage": {"label": "leakage: gain of the worst attack over chance", "share": True},
        "test_accuracy": {"label": "test accuracy", "share": True},
        "balanced_accuracy": {"label": "balanced test accuracy", "share": True},
        "auc": {"label": "area under the ROC curve", "share": True},
        "bytes_up": {"label": "bytes up, each input", "share": False},
        "edge_share": {"label": "share of multiply-adds on the edge", "share": True},
        "edge_params": {"label": "parameters on the edge", "share": False},
    }
    axes |= {name: {"label": name, "share": True} for name in names}
    for point in points:
        point["values"] = {axis: point["values"].get(axis) for axis in axes}
    return {"axes": axes, "points": points}


def _point(entry, run, number, several):
    page, defence = run.page, entry.defence
    attacks = [] if defence.sends_nothing else attacks_on(entry, page, run.audit)
    leakiest = worst_attack(attacks)
    named = {f"attack: {attack.name} (score)": attack.score for attack in attacks if attack.threat == SINGLE}
    values = {
        **{key: entry.mean[key] for key in ("test_accuracy", "balanced_accuracy", "auc")},
        **{key: getattr(entry, key) for key in ("bytes_up", "edge_params")},
        "edge_share": page.edge_shares[entry.label],
        "leakage": (leakiest and leakiest.gain) if defence.leakage is None else defence.leakage,
        **named,
    }
    label = f"{run.name}: {entry.label}" if several else entry.label
    point = {"label": label, "run": number, "values": values, "settings": _settings(entry, page)}
    if defence.sends_nothing:
        point["note"] = "nothing is sent: no leakage to the cloud, by construction"
    elif defence.leakage is not None:
        point["note"] = "the raw input is sent: the cloud has all of it, by construction"
    elif leakiest:
        count = f"{len(attacks)} attack{'s' if len(attacks) > 1 else ''}"
        point["note"] = (
            f"worst of {count}: {leakiest.name} ({leakiest.threat}): {leakiest.measure} "
            f"{100 * leakiest.score:.1f} %, chance {100 * leakiest.chance:.1f} %, n = {leakiest.n}"
        )
    else:
        point["note"] = "no attack was run on it: its leakage is not known"
    return point, dict.fromkeys(named)


def _settings(entry, page):
    row = entry.members(page.metrics.rows)[0]
    told = {key: value for key, value in row.settings.items() if key not in UNTOLD}
    texts = [f"{key} {_text(value)}" for key, value in told.items() if value not in ("", [], None)]
    return [*texts, f"{entry.seeds} seed{'s' if entry.seeds > 1 else ''}"]


def _text(value):
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
