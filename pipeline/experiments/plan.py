"""From rows to work: the models to train and the attacks to run."""

from __future__ import annotations

import dataclasses

from components.attacker import TARGET, AttackConfig
from components.errors import InputError
from components.training.methods import MIXING, VARIANTS
from components.training.networks import ModelConfig
from pipeline.experiments.rows import HIDDEN, Row


@dataclasses.dataclass(frozen=True)
class Plan:
    """The work of a run.

    Attributes:
        models: `ModelConfig`s, each once.
        methods: Pairs of a method's name and a model's, one for each row and seed.
        attacks: `AttackConfig`s, each once.
    """

    models: list[ModelConfig]
    methods: list[tuple[str, str]]
    attacks: list[AttackConfig]

    @property
    def packaged(self) -> str:
        """Name of the model that is packaged: one with a bottleneck, else with mixed features, else that mixes."""
        mixing = sorted((model for model in self.models if model.mixing), key=lambda model: not model.bottleneck_units)
        if mixing[0].bottleneck_units:
            return mixing[0].name
        return next((model for model in mixing if model.num_pre_blocks and model.group_size > 1), mixing[0]).name


def plan(rows: list[Row], options, hidden: tuple[str, ...]) -> Plan:
    """The work for rows under options.

    Args:
        rows: What is compared.
        options: `RunOptions`, with nothing left open.
        hidden: The hidden label columns.

    Raises:
        InputError: If the anonymizer has no hidden column to be trained against, or a signal rank is too large.
    """
    models, methods, attacks = {}, [], []
    for seed in range(options.seed, options.seed + options.repeats):
        for row in rows:
            model = _model(row, options, hidden, seed)
            models[model.name] = model
            methods.append((row.method, model.name))
            for attack in row.attacks:
                for label in hidden if attack.label == HIDDEN else (TARGET,):
                    attacks.append(_attack(attack, label, model, options))
    return Plan(list(models.values()), methods, list(dict.fromkeys(attacks)))


def _model(row, options, hidden, seed):
    if row.method == "anonymizer" and not hidden:
        raise InputError("the method anonymizer is trained against a hidden label column; name one with --hidden")
    # The cloud's first layers, a convolution and a shortcut's, have so many outputs together.
    if row.signal_rank > 4 * options.width:
        raise InputError(f"--signal_rank must be at most 4 x --width = {4 * options.width}; received {row.signal_rank}")
    own = {
        "method": row.model,
        "level": row.level or (float(options.anonymizer[0]) if row.method == "anonymizer" else 0.0),
        "num_pre_blocks": row.num_pre_blocks if "num_pre_blocks" in VARIANTS[row.method] else 0,
        "group_size": row.group_size if row.method in MIXING else 1,
        "signal_rank": row.signal_rank,
        "bottleneck_units": row.bottleneck_units,
        "bottleneck_bits": row.bottleneck_bits,
        "distill": options.distill if row.model == "datamix" else 0.0,
        "seed": seed,
        "people": hidden[0] if row.method == "anonymizer" else "",
    }
    as_told = {field.name for field in dataclasses.fields(ModelConfig)} - set(own)
    return ModelConfig(**own, **{name: getattr(options, name) for name in as_told})


def _attack(attack, label, model, options):
    rebuild = attack.kind == "reconstruction"
    return AttackConfig(
        model=model.name,
        kind=attack.kind,
        label=label,
        epochs=options.reconstruction_epochs if rebuild else options.attack_epochs,
        patience=options.attack_patience,
        batch_size=options.batch_size,
        learning_rates=options.attack_learning_rates,
        starts=options.attack_starts,
        width=options.reconstruction_width,
        min_examples=options.min_examples,
        mates=attack.mates,
        shuffle=attack.shuffle,
        seed=model.seed,
    )
