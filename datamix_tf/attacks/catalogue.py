"""Our own attacks: first those of the papers' tables, then those of the audit, by threat model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from datamix_tf import attacks
from datamix_tf.attacks.registry import ATTACKS, AttackSpec, Subject, register_attack

if TYPE_CHECKING:
    from datamix_tf.attacks import Attack
    from datamix_tf.attacks.linked.separators import Separator

PICTURES = "separated_pictures"
#: Id -> name, of the separations of `datamix_tf.attacks.separators`, in their order.
SEPARATIONS = {
    "fastica_features": "FastICA on features",
    "fastica_centred": "FastICA on centred",
    "fastica_gradients": "FastICA on gradients",
    "fastica_centred_gradients": "FastICA on centred gradients",
    "picard": "Picard on gradients",
    "second_order": "second-order statistics",
    "critic": "learned critic",
    "unmixing": "unmixing network",
}
#: Those of them that train something.
TRAINED = ("critic", "unmixing")


def _network(subject: Subject) -> Attack:
    s = subject
    more: dict[str, Any] = {"mates": s.mates, "shuffle": s.shuffle, "callbacks": s.callbacks}
    return attacks.LabelAttack(s.model, s.outputs, s.binary, s.training, **more)


def _set(subject: Subject) -> Attack:
    s = subject
    return attacks.SetAttack(s.model, s.outputs, s.training, s.mates, s.shuffle, s.callbacks)


def _probe(subject: Subject) -> Attack:
    return attacks.LinearProbe(subject.model, subject.outputs, subject.binary, seed=subject.training.seed)


def _reconstruction(subject: Subject) -> Attack:
    s = subject
    return attacks.ReconstructionAttack(s.model, s.mean, s.variance, s.reconstruction, callbacks=s.callbacks)


def _separated(subject: Subject) -> Attack:
    s = subject
    return attacks.SeparatedLabelAttack(s.model, s.outputs, s.binary, s.training, callbacks=s.callbacks)


def _untrained(subject: Subject) -> list[Separator]:
    from datamix_tf.attacks.linked.separators import untrained_separators

    return untrained_separators(subject.separation.seed)


def _separated_network(subject: Subject) -> Attack:
    s, separators = subject, _untrained(subject)
    return attacks.SeparatedLabelAttack(
        s.model, s.outputs, s.binary, s.training, separators=separators, groups=s.groups, callbacks=s.callbacks
    )


def _separation(index: int) -> Callable[[Subject], Attack]:
    def make(subject: Subject) -> Attack:
        chosen = attacks.separators(subject.separation)[index]
        return attacks.KeyAttack(subject.model, [chosen], subject.groups, subject.separation.seed)

    return make


def _pooled_labels(subject: Subject) -> Attack:
    s = subject
    return attacks.PooledLabelAttack(s.model, s.outputs, s.binary, s.training, s.separation)


def _injected(share: float) -> Callable[[Subject], Attack]:
    def make(subject: Subject) -> Attack:
        known = max(1, round(share * (subject.model.group_size - 1)))
        return attacks.InjectedAttack(subject.model, known, subject.groups, subject.separation.seed)

    return make


def _key(subject: Subject) -> Attack:
    return attacks.KeyAttack(subject.model, seed=subject.training.seed)


def _time(separation: str) -> dict[str, Any]:
    return {"seconds": 110, "grows_with": "steps"} if separation in TRAINED else {"seconds": 2}


def _of_tables(*arguments: Any, **more: Any) -> AttackSpec:
    """An attack of the papers' tables: an audit has a counterpart of it."""
    return dataclasses.replace(AttackSpec(*arguments, **more), audited=False, groups=1)


OURS = (
    _of_tables("label", "{task}", "single", _network, labels=True, seconds=60, grows_with="epochs"),
    _of_tables("set", "{task} set", "single", _set, labels=True, binary=False, seconds=60, grows_with="epochs"),
    _of_tables("probe", "{task}, linear probe", "single", _probe, labels=True, seconds=5),
    _of_tables(
        "reconstruction",
        "reconstruction",
        "single",
        _reconstruction,
        pictures=True,
        needs_map=True,
        seconds=120,
        grows_with="epochs",
    ),
    _of_tables(
        "separated",
        "{task}, separated group",
        "linked",
        _separated,
        labels=True,
        needs_numbers=True,
        seconds=60,
        grows_with="epochs",
    ),
    _of_tables("key", "key of a group", "linked", _key, needs_numbers=True, seconds=5),
    AttackSpec(
        "label_network", "a network on one mixture", "single", _network, labels=True, seconds=60, grows_with="epochs"
    ),
    *(
        AttackSpec(
            f"key_{id}",
            f"key by {name}",
            "linked",
            _separation(index),
            needs_numbers=True,
            quick=id not in TRAINED,
            **_time(id),
        )
        for index, (id, name) in enumerate(SEPARATIONS.items())
    ),
    AttackSpec(
        "separated_label_network",
        "a network on separated mixtures",
        "linked",
        _separated_network,
        labels=True,
        needs_numbers=True,
        seconds=60,
        grows_with="epochs",
    ),
    AttackSpec(
        PICTURES,
        "pictures rebuilt from separated mixtures",
        "linked",
        lambda s: attacks.SeparatedPictures(s.model, s.training, _untrained(s), callbacks=s.callbacks),
        pictures=True,
        needs_numbers=True,
        seconds=60,
        grows_with="epochs",
    ),
    AttackSpec(
        "linker",
        "linker",
        "pooled",
        lambda s: attacks.LinkAttack(s.model, s.separation),
        seconds=60,
        grows_with="steps",
    ),
    AttackSpec(
        "linker_energies",
        "linker by energies",
        "pooled",
        lambda s: attacks.LinkAttack(s.model, s.separation, trained=False),
        quick=True,
        seconds=2,
    ),
    AttackSpec(
        "pooled_key",
        "key by linker and separation",
        "pooled",
        lambda s: attacks.PooledKeyAttack(s.model, s.separation),
        needs_numbers=True,
        seconds=60,
        grows_with="steps",
    ),
    AttackSpec(
        "pooled_label_network",
        "a network on the linker's clusters, separated",
        "pooled",
        _pooled_labels,
        labels=True,
        needs_numbers=True,
        seconds=120,
        grows_with="steps",
    ),
    AttackSpec(
        "known_one", "key with one known input", "injected", _injected(0.0), needs_numbers=True, quick=True, seconds=3
    ),
    AttackSpec(
        "known_half",
        "key with half of the inputs known",
        "injected",
        _injected(0.5),
        needs_numbers=True,
        quick=True,
        seconds=3,
    ),
    AttackSpec(
        "known_all_but_one",
        "key with all inputs but one known",
        "injected",
        _injected(1.0),
        needs_numbers=True,
        quick=True,
        seconds=3,
    ),
    AttackSpec(
        "membership_single",
        "membership by one mixture",
        "single",
        lambda s: attacks.membership_single(s.model, s.groups, s.separation.seed),
        mixed=True,
        quick=True,
        seconds=3,
    ),
    AttackSpec(
        "membership_span",
        "membership by the group's span",
        "linked",
        lambda s: attacks.CandidateAttack(s.model, s.groups, s.separation.seed),
        quick=True,
        seconds=3,
    ),
    AttackSpec(
        "membership_group",
        "membership by the group's moment",
        "linked",
        lambda s: attacks.membership_group(s.model, s.groups, s.separation.seed),
        quick=True,
        seconds=3,
    ),
    AttackSpec(
        "membership_likelihood",
        "membership by the group's likelihood ratio",
        "linked",
        lambda s: attacks.membership_likelihood(s.model, s.groups, s.separation.seed),
        seconds=20,
    ),
    AttackSpec(
        "membership_pool",
        "membership by a pool's products",
        "pooled",
        lambda s: attacks.membership_pool(s.model, s.groups, s.separation.seed),
        seconds=30,
    ),
    AttackSpec(
        "membership_pool_inverse",
        "membership by a pool's inverse moment",
        "pooled",
        lambda s: attacks.membership_pool_inverse(s.model, s.groups, s.separation.seed),
        quick=True,
        seconds=3,
    ),
    AttackSpec(
        "reuse_spans",
        "shared feature by two spans",
        "reuse",
        lambda s: attacks.ReuseAttack(s.model, s.groups, s.separation.seed),
        needs_numbers=True,
        quick=True,
        seconds=3,
    ),
    AttackSpec(
        "returned_rows",
        "key by separation of the returned rows",
        "output",
        lambda s: attacks.KeyAttack(s.model, groups=s.groups, seed=s.separation.seed, answers=True),
        needs_numbers=True,
        quick=True,
        seconds=3,
    ),
)
OURS = tuple(dataclasses.replace(spec, streams=True) for spec in OURS)
for _spec in OURS:
    register_attack(_spec)


def all_attacks() -> dict[str, AttackSpec]:
    """The registered attacks by id: those of the papers' tables, those of the audit, then others'."""
    return {spec.id: spec for spec in OURS} | ATTACKS.all()  # in this order, whoever was imported first


def get_attack(id: str) -> AttackSpec:
    """The attack of an id. Raises ValueError if there is none."""
    return ATTACKS.get(id)
