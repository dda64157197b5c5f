"""The answer to a user's question: what to use for this task, within which limits, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from components.records.metrics import Answer, Row, SummaryEntry
from datamix_tf.metrics import advantage

#: A limit that no network reaches.
ANY = 1e12
ROUNDING = 1e-9
VALID, TEST = "valid_accuracy", "test_accuracy"


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a method must keep to be recommended.

    Attributes:
        max_leakage: Most that an attack may gain over chance, as a share of what there is to gain, 0 to 1.
        max_edge_macs: Most multiply-adds on the edge for one input.
        max_accuracy_drop: Most that it may lose in validation accuracy against the most accurate method, as a share:
            0.01 is a point.
    """

    max_leakage: float = 1.0
    max_edge_macs: float = ANY
    max_accuracy_drop: float = 0.02


def answer(summary: Sequence[SummaryEntry], rows: Sequence[Row], limits: Limits) -> Answer:
    """What to use: of the methods within the limits the one of which the cloud learns least, then the cheapest.

    Decided on the validation split; test figures are told beside, not used.

    Args:
        summary: The methods.
        rows: Their rows.
        limits: What must be kept.

    Returns:
        The answer; it names no method if none keeps the limits.
    """
    leaks = {entry.label: leakage(entry, rows) for entry in summary}
    best = max(summary, key=lambda entry: entry.mean[VALID])

    def ranked(entry: SummaryEntry) -> tuple[float, bool, int, float]:
        sends = not entry.defence.sends_nothing
        return leaks[entry.label].share, sends, entry.edge_macs, -entry.mean[VALID]

    kept = [entry for entry in summary if not _broken(entry, best, leaks[entry.label], limits)]
    if not kept:
        return Answer(text=_nothing(summary, best, leaks, limits))
    chosen = min(kept, key=ranked)
    smaller = [entry for entry in kept if entry.edge_macs < chosen.edge_macs]
    text = [
        _headline(chosen, best),
        _leak_text(chosen, leaks[chosen.label]),
        *_certificate(chosen, rows),
        *_cloud(summary, chosen),
        *([_alternative(min(smaller, key=ranked), chosen, leaks)] if smaller else []),
        _limits(limits),
    ]
    return Answer(method=chosen.method, settings=chosen.defence.settings, models=chosen.models, text=" ".join(text))


@dataclasses.dataclass(frozen=True)
class Leakage:
    """The most that the cloud is known to learn of what a method sends.

    Attributes:
        share: Of what there is to gain over guessing, 0 to 1; 1 where nothing was measured.
        by: Name of the attack; empty where it follows from what is sent, or nothing was measured.
        threat: Its threat model.
        measured: Whether an attack says so.
    """

    share: float
    by: str = ""
    threat: str = ""
    measured: bool = False


def leakage(entry: SummaryEntry, rows: Sequence[Row]) -> Leakage:
    """The most that the cloud is known to learn of what a method sends: by construction, or by the worst attack."""
    if entry.defence.leakage is not None:
        return Leakage(entry.defence.leakage)
    found = []
    for name, attack in entry.members(rows)[0].attacks.items():
        if attack.is_share and attack.chance is not None:
            gained = advantage(entry.mean[f"attack {name}"], attack.chance)
            found.append(Leakage(min(1.0, max(0.0, gained)), name, attack.threat, True))
    return max(found, key=lambda leak: leak.share, default=Leakage(1.0))


def _broken(entry: SummaryEntry, best: SummaryEntry, leak: Leakage, limits: Limits) -> list[str]:
    """The limits that a method does not keep, in words."""
    drop = best.mean[VALID] - entry.mean[VALID]
    broken = []
    if leak.share > limits.max_leakage:
        broken.append(f"leakage {leak.share:.2f} for at most {limits.max_leakage:g}")
    if entry.edge_macs > limits.max_edge_macs:
        broken.append(f"{_millions(entry.edge_macs)} on the edge for at most {_millions(limits.max_edge_macs)}")
    if drop > limits.max_accuracy_drop + ROUNDING:
        broken.append(f"{100 * drop:.1f} points of accuracy lost for at most {100 * limits.max_accuracy_drop:g}")
    return broken


def _headline(chosen: SummaryEntry, best: SummaryEntry) -> str:
    where = "run it on the edge" if chosen.defence.sends_nothing else "split it between edge and cloud"
    where = "run it in the cloud" if not chosen.edge_macs else where
    beside = "" if chosen is best else f" (the best of this run has {_percent(best.mean[VALID])}: {best.label})"
    return (
        f"For this task, {where}: {chosen.label}. It is right for {_percent(chosen.mean[VALID])} of the validation "
        f"split{beside}, {_percent(chosen.mean[TEST])} of the test split, and costs {_millions(chosen.edge_macs)} and "
        f"{chosen.edge_params:,} parameters on the edge, {chosen.bytes_up:,} bytes up."
    )


def _leak_text(entry: SummaryEntry, leak: Leakage) -> str:
    if entry.defence.sends_nothing:
        return "The cloud learns nothing: nothing is sent."
    if entry.defence.leakage is not None:
        return "The cloud sees every input as it is."
    if not leak.measured:
        return "What the cloud learns was not measured: take it for all."
    by = f"{leak.by}{f', threat model {leak.threat}' if leak.threat else ''}"
    return f"The worst attack measured gains {leak.share:.2f} of what there is to gain over guessing ({by})."


def _certificate(entry: SummaryEntry, rows: Sequence[Row]) -> list[str]:
    """What no attacker exceeds, where a method's row says so."""
    details = entry.members(rows)[0].details
    single, group = (details.get(f"certificate_{view}") for view in ("single", "group"))
    if single is None or group is None:
        return []
    return [
        "With drawn covers and one input in each group, no attacker, however strong, tells whether a given input was "
        f"sent with an AUC above {single:.3f} from one mixture, {group:.3f} from a whole group."
    ]


def _cloud(summary: Sequence[SummaryEntry], chosen: SummaryEntry) -> list[str]:
    """What the best of the clouds adds to the edge alone."""
    gained = [entry for entry in summary if entry.gain is not None]
    gained = [chosen] if chosen in gained else gained
    if not gained:
        return []
    entry = max(gained, key=lambda entry: entry.mean[VALID])
    assert entry.gain is not None
    points, error = 100 * entry.gain.share, 100 * entry.gain.standard_error
    return [f"A cloud adds {points:+.1f} points to the edge alone (standard error {error:.1f}; {entry.label})."]


def _alternative(entry: SummaryEntry, chosen: SummaryEntry, leaks: dict[str, Leakage]) -> str:
    return (
        f"Where the edge cannot do {_millions(chosen.edge_macs)}: {entry.label}, {_millions(entry.edge_macs)}, right "
        f"for {_percent(entry.mean[VALID])}. {_leak_text(entry, leaks[entry.label])}"
    )


def _nothing(summary: Sequence[SummaryEntry], best: SummaryEntry, leaks: dict[str, Leakage], limits: Limits) -> str:
    reasons = "; ".join(
        f"{entry.label}: {', '.join(_broken(entry, best, leaks[entry.label], limits))}" for entry in summary
    )
    return f"No method of this run keeps the limits. {reasons}. Relax a limit, or compare other methods (--methods)."


def _limits(limits: Limits) -> str:
    macs = (
        "any number of multiply-adds" if limits.max_edge_macs >= ANY else f"at most {_millions(limits.max_edge_macs)}"
    )
    return (
        f"Limits: {100 * limits.max_accuracy_drop:g} points of accuracy lost, leakage of at most "
        f"{limits.max_leakage:g}, {macs} on the edge (--max_accuracy_drop, --max_leakage, --max_edge_macs)."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _millions(macs: float) -> str:
    return f"{macs / 1e6:.2f} M multiply-adds" if macs else "no multiply-adds"
