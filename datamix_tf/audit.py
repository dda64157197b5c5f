"""What the cloud really learns: named threat models, the attacks of each, and a sentence that can be quoted.

An attack is one class (`Attack`: fit on what an attacker has, score on others) and one `Probe`; it then runs on every
audited model and stands in every report. Someone else's is added with `register_probe`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import keras

from datamix_tf import attacks
from datamix_tf.attacks.linked.critic import SeparatorTraining
from datamix_tf.attacks.linked.separators import untrained_separators
from datamix_tf.attacks.single.network_attack import AttackTraining
from datamix_tf.metrics import advantage

PICTURES = "pictures rebuilt from separated mixtures"
SIGNIFICANT = 2.0  # standard errors above chance from which an attack counts as successful


@dataclasses.dataclass(frozen=True)
class ThreatModel:
    """An attacker with stated knowledge and view. All know code, weights and training data of the same kind.

    Attributes:
        name: What it is called everywhere.
        sees: What the attacker sees, as a clause of a sentence.
    """

    name: str
    sees: str


THREATS = {
    threat.name: threat
    for threat in (
        ThreatModel("single", "one mixture alone (the papers' measure)"),
        ThreatModel("linked", "the mixtures of one group, known to belong together"),
        ThreatModel("pooled", "the mixtures of many groups, shuffled"),
        ThreatModel("injected", "the mixtures of one group, some inputs of which it has chosen"),
        ThreatModel("candidate", "the mixtures of one group, and asks whether a photo or recording is among them"),
        ThreatModel("reuse", "the mixtures of two groups that share an input"),
        ThreatModel("output", "the rows that it returns for one group"),
    )
}


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is attacked and what for.

    Attributes:
        model: A `DataMixModel`.
        outputs: Number of logits of the label that is read, if one is.
        binary: Whether that label is several 0/1 ones.
        training: For attacks that train a network on labels.
        separation: For separators and linkers that learn.
        groups: Most test groups.
    """

    model: keras.Model
    outputs: int = 0
    binary: bool = False
    training: AttackTraining = dataclasses.field(default_factory=AttackTraining)
    separation: SeparatorTraining = dataclasses.field(default_factory=SeparatorTraining)
    groups: int = 64


@dataclasses.dataclass(frozen=True)
class Probe:
    """One attack of the audit.

    Attributes:
        id: Its name in `--attacks`.
        name: What tables call it.
        threat: Name of its threat model.
        make: From a `Subject` to an `Attack`, not yet fitted.
        labels: Whether it reads a label; it then runs for the target and for the hidden column.
        binary: Whether it reads several 0/1 labels, too, not classes alone.
    """

    id: str
    name: str
    threat: str
    make: Callable[[Subject], attacks.Attack]
    labels: bool = False
    binary: bool = True


def _separation(index: int) -> Callable[[Subject], attacks.Attack]:
    def make(subject: Subject) -> attacks.Attack:
        chosen = attacks.separators(subject.separation)[index]
        return attacks.KeyAttack(subject.model, [chosen], subject.groups, subject.separation.seed)

    return make


def _injected(share: float) -> Callable[[Subject], attacks.Attack]:
    def make(subject: Subject) -> attacks.Attack:
        known = max(1, round(share * (subject.model.group_size - 1)))
        return attacks.InjectedAttack(subject.model, known, subject.groups, subject.separation.seed)

    return make


#: Ids of the separations of `datamix_tf.attacks.separators`, in their order.
SEPARATIONS = (
    *("fastica_features", "fastica_centred", "fastica_gradients", "fastica_centred_gradients"),
    *("picard", "second_order", "critic", "unmixing"),
)
PROBES = (
    Probe(
        "label_network",
        "a network on one mixture",
        "single",
        lambda s: attacks.LabelAttack(s.model, s.outputs, s.binary, s.training),
        labels=True,
    ),
    *(
        Probe(f"key_{id}", f"key by {separator.name}", "linked", _separation(index))
        for index, (id, separator) in enumerate(zip(SEPARATIONS, attacks.separators(), strict=True))
    ),
    Probe(
        "separated_label_network",
        "a network on separated mixtures",
        "linked",
        lambda s: attacks.SeparatedLabelAttack(
            s.model,
            s.outputs,
            s.binary,
            s.training,
            separators=untrained_separators(s.separation.seed),
            groups=s.groups,
        ),
        labels=True,
    ),
    Probe(
        "separated_pictures",
        PICTURES,
        "linked",
        lambda s: attacks.SeparatedPictures(s.model, s.training, untrained_separators(s.separation.seed)),
    ),
    Probe("linker", "linker", "pooled", lambda s: attacks.LinkAttack(s.model, s.separation)),
    Probe(
        "pooled_key", "key by linker and separation", "pooled", lambda s: attacks.PooledKeyAttack(s.model, s.separation)
    ),
    Probe(
        "pooled_label_network",
        "a network on the linker's clusters, separated",
        "pooled",
        lambda s: attacks.PooledLabelAttack(s.model, s.outputs, s.binary, s.training, s.separation),
        labels=True,
    ),
    Probe("known_one", "key with one known input", "injected", _injected(0.0)),
    Probe("known_half", "key with half of the inputs known", "injected", _injected(0.5)),
    Probe("known_all_but_one", "key with all inputs but one known", "injected", _injected(1.0)),
    Probe(
        "membership_span",
        "membership by the group's span",
        "candidate",
        lambda s: attacks.CandidateAttack(s.model, s.groups, s.separation.seed),
    ),
    Probe(
        "reuse_spans",
        "shared feature by two spans",
        "reuse",
        lambda s: attacks.ReuseAttack(s.model, s.groups, s.separation.seed),
    ),
    Probe(
        "returned_rows",
        "key by separation of the returned rows",
        "output",
        lambda s: attacks.KeyAttack(s.model, groups=s.groups, seed=s.separation.seed, answers=True),
    ),
)


_registered: dict[str, Probe] = {probe.id: probe for probe in PROBES}


def register_probe(probe: Probe) -> Probe:
    """Adds an attack of someone else's.

    Raises:
        ValueError: If its threat model is none of `THREATS`, or another attack has its id.
    """
    if probe.threat not in THREATS:
        raise ValueError(f"the attack {probe.id!r} must have a threat of {', '.join(THREATS)}; received {probe.threat}")
    known = _registered.get(probe.id)
    if known is not None and known.name != probe.name:
        raise ValueError(f"there are two attacks {probe.id!r}: {known.name!r} and {probe.name!r}; rename one")
    _registered[probe.id] = probe
    return probe


def probes() -> dict[str, Probe]:
    """All attacks by id: ours first, then those that were registered."""
    return dict(_registered)


def succeeds(score: dict[str, Any]) -> bool:
    """Whether a score is more than `SIGNIFICANT` standard errors above chance."""
    return score["score"] - score["chance"] > SIGNIFICANT * score["standard_error"]


def headlines(scores: Iterable[dict[str, Any]]) -> dict[str, dict]:
    """For each threat model the worst attack: threat name -> its score, the one with the largest advantage.

    Args:
        scores: Dictionaries as of `AttackScore.to_dict`, each with `threat`.
    """
    found: dict[str, dict] = {}
    for score in scores:
        worst = found.get(score["threat"])
        if "skipped" not in score and (worst is None or _advantage(score) > _advantage(worst)):
            found[score["threat"]] = score
    return {name: found[name] for name in THREATS if name in found}


def sentence(score: dict[str, Any]) -> str:
    """One sentence on an attack's success that a reviewer can quote."""
    low, high = (score["score"] + sign * 1.96 * score["standard_error"] for sign in (-1, 1))
    figures = (
        f"{score['measure'].replace('_', ' ')} {score['score']:.3f} (95 % interval {low:.3f} to {high:.3f}, "
        f"{score['n']} trials; chance {score['chance']:.3f})"
    )
    verdict = "not protected against it" if succeeds(score) else "no success was measured"
    return (
        f"{score['threat']}: a cloud that sees {THREATS[score['threat']].sees}: {score['name']}, {figures}: {verdict}."
    )


def _advantage(score: dict[str, Any]) -> float:
    return advantage(score["score"], score["chance"])
