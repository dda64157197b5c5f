"""The units of work of a pipeline's components, and how large each is.

Sizes are rough on purpose: they say how a unit grows with examples, epochs and networks. How long it takes is learned
(`pipeline/orchestration/durations.py`), so that what is wrong by a factor here is right from the second run on.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from components import example_gen, transform
from components.attack_seconds import expected_seconds
from components.attacker import AttackConfig, Attacker, fits_of
from components.attacker import unit_of as attack_unit
from components.records.dataset import DatasetSchema
from components.trainer import Trainer
from components.trainer import unit_of as training_unit
from components.training.networks import ModelConfig, untrained
from datamix_tf.attacks.catalogue import get_attack
from datamix_tf.costs import count_macs
from pipeline.orchestration.durations import Machine, Unit, Work

#: A training step passes a network forward and, twice as much, backward; beside its convolutions it has
#: normalisations, activations and an optimizer, measured at three times the time of convolutions alone.
STEP, ALL_BUT_CONVOLUTIONS = 3, 3
#: Building, tracing and optimising the graph of a training, in times of building its network.
TRACED = 18
#: Seconds in which a machine builds a layer that takes as long for an attack as its spec says.
LAYER_SECONDS = 0.006
#: What components do beside their units, in layers built: they start Beam, load models, export them.
LAYERS = {"example_gen": 400, "transform": 300, "trainer": 400, "attacker": 400, "auditor": 400, "evaluator": 300}
LAYERS |= {"packager": 4000, "reporter": 3000, "infra_validator": 1000, "pusher": 150}
#: Layers of an example that is read or decoded, and of a model that is measured.
AN_EXAMPLE, A_MODEL = 0.7, 400
#: Seconds after which networks that nobody has counted yet are taken for the first one.
PATIENCE = 10.0


@dataclasses.dataclass(frozen=True)
class Part:
    """The work of a component.

    Attributes:
        name: The node's.
        units: Its units; the last one is what it does beside the others.
    """

    name: str
    units: tuple[Unit, ...]


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What the sizes of units follow from.

    Attributes:
        splits: Examples by split.
        networks: Layers and multiply-adds of a model's network, by the model's name.
        base: What is trained, for what was learned of it: backbone, width, shape.
    """

    splits: dict[str, int]
    networks: dict[str, Work]
    base: str


def parts(nodes: list[Any], sizes: Sizes) -> list[Part]:
    """The work of nodes, in order."""
    return [Part(node.name, (*_units(node.component, sizes), _rest(node, sizes))) for node in nodes]


def networks(configs: list[ModelConfig], schema: DatasetSchema, machine: Machine) -> dict[str, Work]:
    """Layers and multiply-adds of networks by their models' names; each is built once on a machine, to count."""
    found: dict[str, Work] = {}
    started = time.monotonic()
    for config in configs:
        key = f"{base_of(config, schema)} {config.defence.model_name} {config.hidden_units} {schema.task}"
        known = machine.network(key)
        if known is None and time.monotonic() - started < PATIENCE:
            known = _counted(config, schema)
            if known is not None:
                machine.counted(key, known)
        if known is not None:
            found[config.name] = known
    return found


def base_of(config: ModelConfig, schema: DatasetSchema) -> str:
    """What is trained, in a word."""
    return f"{config.backbone}-{config.width}-{'x'.join(map(str, schema.shape))}"


def _counted(config, schema):
    try:
        model = untrained(config, schema)
        whole = [model.pre, model.main, model.post] if config.defence.mixes else [model]
        return Work(len(list(model._flatten_layers())), sum(map(count_macs, whole)))
    except Exception:  # whatever a defence of somebody else does: how long a run takes is not worth an error
        return None


def _units(component, sizes) -> list[Unit]:
    if isinstance(component, example_gen.ExampleGen):
        kind = type(component.parameters["source"]).__name__
        return [Unit(example_gen.READING, (f"read {kind}", "read"), Work(AN_EXAMPLE * sum(sizes.splits.values())))]
    if isinstance(component, transform.Transform):
        kind = type(component.parameters["preprocessing"]).__name__
        return [Unit(transform.DECODING, (f"decode {kind}", "decode"), Work(AN_EXAMPLE * sum(sizes.splits.values())))]
    if isinstance(component, Trainer):
        starts = {config.start.name: config.start for config in component.parameters["models"] if config.start}
        configs = {**starts, **{config.name: config for config in component.parameters["models"]}}
        return [_training(config, sizes) for config in configs.values()]
    if isinstance(component, Attacker):
        return [_attack(config, sizes) for config in component.parameters["attacks"]]
    return []


def _training(config: ModelConfig, sizes: Sizes) -> Unit:
    network = _network(config.name, sizes)
    stages = config.defence.stages(config.epochs, config.fine_tune_epochs)
    passes = sizes.splits["train"] * sum(stage.epochs for stage in stages)
    taught = 1 / STEP if config.distill else 0
    work = Work(
        network.layers * TRACED * sum(bool(stage.epochs) for stage in stages),
        passes * network.macs * (STEP + taught) * ALL_BUT_CONVOLUTIONS,
    )
    kinds = f"train {sizes.base} {config.defence.model_name}", f"train {sizes.base} {config.defence.id}"
    return Unit(training_unit(config), (*kinds, f"train {sizes.base}", "train"), work)


def _attack(config: AttackConfig, sizes: Sizes) -> Unit:
    network, spec = _network(config.model, sizes), get_attack(config.attack)
    loading = Work(2 * network.layers)
    if spec.grows_with == "epochs":
        passes = (STEP * sizes.splits["train"] + sizes.splits["valid"]) * config.epochs * fits_of(config)
        traced = network.layers * TRACED * fits_of(config)
        work = loading + Work(traced, passes * network.macs * ALL_BUT_CONVOLUTIONS)
    else:
        work = loading + Work(expected_seconds(config) / LAYER_SECONDS)
    model = config.model.rpartition("-seed")[0]
    kinds = f"attack {config.attack} {config.label} {sizes.base} {model}", f"attack {config.attack} {sizes.base}"
    return Unit(attack_unit(config), (*kinds, f"attack {config.attack}", "attack"), work)


def _network(name, sizes) -> Work:
    if name in sizes.networks:
        return sizes.networks[name]
    known = list(sizes.networks.values())
    return max(known, key=lambda network: network.macs) if known else Work(100, 4e7)


def _rest(node, sizes) -> Unit:
    """What a component does beside its units."""
    work = Work(LAYERS.get(node.name, 300))
    if node.name == "evaluator":
        models = {name for _, name in node.component.parameters["methods"]}
        examples = sizes.splits["valid"] + sizes.splits["test"]
        macs = sum(_network(name, sizes).macs for name in models) * examples * ALL_BUT_CONVOLUTIONS
        work = work + Work(A_MODEL * len(models), macs)
    return Unit(node.name, (f"{node.name} {sizes.base}", node.name), work, reported=False)
