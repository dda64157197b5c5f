"""From rows to work: the models to train and the attacks to run."""

from __future__ import annotations

import dataclasses

from components.attacker import TARGET, AttackConfig
from components.errors import InputError
from components.training.networks import ModelConfig
from components.training.own_model import OwnModel
from datamix_tf.attacks.catalogue import all_attacks, get_attack
from datamix_tf.defences import Defence, flags_of
from datamix_tf.models.backbones import OWN
from pipeline.experiments.rows import FIRST_HIDDEN, HIDDEN, Row

#: The width of a user's own model, whose layers alone say what is too much for them.
ANY_WIDTH = 2**31
#: Most test groups of the attacks that every run tries.
QUICK_GROUPS = 16


@dataclasses.dataclass(frozen=True)
class Plan:
    """The work of a run.

    Attributes:
        models: `ModelConfig`s, each once.
        methods: Pairs of a `Defence` and the name of the model that it runs, one for each row and seed.
        attacks: `AttackConfig`s, each once.
        package: Id of the method that is to be packaged, or `None` for the one that prefers it most.
    """

    models: list[ModelConfig]
    methods: list[tuple[Defence, str]]
    attacks: list[AttackConfig]
    package: str | None = None

    @property
    def packaged(self) -> str:
        """Name of the model that is packaged: of those that mix, if any do, the one that prefers it most, the first.

        If `package` is a method that mixes, one of its models.
        """
        mixing = [model for model in self.models if model.defence.mixes]
        wanted = [model for model in mixing if model.name in self._of_package()]
        return max(wanted or mixing or self.models, key=lambda model: model.defence.packaging).name

    @property
    def edge_only(self) -> str:
        """Name of the first model of `package` if that sends nothing, to be exported for the edge alone; or empty."""
        return next((name for name, defence in self._of_package().items() if defence.sends_nothing), "")

    def _of_package(self) -> dict[str, Defence]:
        return {name: defence for defence, name in self.methods if defence.id == self.package}


def plan(rows: list[Row], options, hidden: tuple[str, ...], network: OwnModel | None = None) -> Plan:
    """The work for rows under options.

    Args:
        rows: What is compared.
        options: `RunOptions`, with nothing left open.
        hidden: The hidden label columns.
        network: The user's own model, if there is one, perhaps not cut yet.

    Raises:
        InputError: If the anonymizer has no hidden column to be trained against, a signal rank is too large, or a
            method has no use for the user's own model or no cut in it.
    """
    models, methods, attacks = {}, [], []
    for seed in range(options.seed, options.seed + options.repeats):
        for row in [_cut(row.resolved(options), network) for row in rows]:
            model = _model(row.defence, options, hidden, seed, network)
            for needed in (model.start, model) if model.defence.starts_from else (model,):
                models[needed.name] = needed
            methods.append((row.defence, model.name))
            for attack in row.attacks:
                for label in {HIDDEN: hidden, FIRST_HIDDEN: hidden[:1], TARGET: (TARGET,)}[attack.label]:
                    attacks.append(_attack(attack, label, model, options))
            if options.quick_audit and options.attack_epochs and seed == options.seed:
                attacks += _quick(model)
    return Plan(list(models.values()), methods, list(dict.fromkeys(attacks)), getattr(options, "package", None))


def _cut(row, network):
    """A row whose defence is cut where the user's own model is: N_pre counts the cuts; if no flag chooses, the last."""
    defence = row.defence
    if network is None:
        return row
    if not defence.shares_backbone:
        raise InputError(f"the method {defence.id} has a network of its own and no use for --model; leave one out")
    cuts = max(1, len(network.cuts))
    if defence.num_pre_blocks <= cuts:
        return row
    if "num_pre_blocks" in flags_of(type(defence)):
        raise InputError(
            f"--num_pre_blocks {defence.num_pre_blocks} needs as many layers in --split_after; received "
            f"{','.join(network.cuts) or 'none'}"
        )
    return dataclasses.replace(row, defence=dataclasses.replace(defence, num_pre_blocks=cuts))


def _model(defence, options, hidden, seed, network):
    if defence.needs_people and not hidden:
        raise InputError(f"the method {defence.id} is trained against a hidden label column; name one with --hidden")
    try:
        defence.check(options.width if network is None else ANY_WIDTH)
    except ValueError as error:
        raise InputError(str(error)) from None
    backbone = options.backbone if network is None else OWN
    if defence.backbones and backbone not in defence.backbones:
        raise InputError(
            f"the method {defence.id} needs --backbone {' or '.join(defence.backbones)}; received "
            f"{backbone if network is None else f'--model {network.name}'}"
        )
    own = {
        "defence": defence.trained_as,
        "distill": defence.distill_share(options.distill),
        "seed": seed,
        "people": hidden[0] if defence.needs_people else "",
        "backbone": backbone,
        "own": network,
    }
    as_told = {field.name for field in dataclasses.fields(ModelConfig)} - set(own)
    return ModelConfig(**own, **{name: getattr(options, name) for name in as_told})


def _quick(model):
    """The attacks that every run tries on what it mixes. They train nothing."""
    if not model.defence.mixes or model.defence.group_size < 2:
        return []
    ids = [spec.id for spec in all_attacks().values() if spec.quick]
    return [AttackConfig(model=model.name, attack=id, groups=QUICK_GROUPS, seed=model.seed) for id in ids]


def _attack(attack, label, model, options):
    rebuilds = get_attack(attack.attack).needs_map
    return AttackConfig(
        model=model.name,
        attack=attack.attack,
        label=label,
        epochs=options.reconstruction_epochs if rebuilds else options.attack_epochs,
        patience=options.attack_patience,
        batch_size=options.batch_size,
        learning_rates=options.attack_learning_rates,
        starts=options.attack_starts,
        optimizer=options.attack_optimizer,
        schedule=options.attack_schedule,
        width=options.reconstruction_width,
        min_examples=options.min_examples,
        identity_split=options.identity_split,
        mates=attack.mates,
        shuffle=attack.shuffle,
        seed=model.seed,
    )
