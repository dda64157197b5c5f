"""Trainer: trains the models of a run, each an independent Beam element."""

from __future__ import annotations

import dataclasses
import os
import time

import apache_beam as beam

from components.base import Component, ComponentSpec
from components.caching.code_fingerprint import of_plugin
from components.caching.result_cache import kept, link_tree, place
from components.records.training import Training
from components.storage import files
from components.storage.artifacts import Examples, Models, write_json
from components.storage.local_copies import local_copy
from components.training.data import batches, hidden_task, steps, target_task, whole_batch_size
from components.training.epoch_bar import EpochBar
from components.training.networks import ModelConfig, build_model, network_spec, optimizer
from components.training.replicated import fit, replicas_of, replicated
from components.training.team import Team, train_as_team

WARMUP_EPOCHS = 2
#: Share of the epochs that are trained with signal content, and of the peak learning rate.
SIGNAL_SHARE, SIGNAL_RATE = 0.3, 0.3
#: Seconds for which the others wait for what the first worker writes, and between two looks.
PATIENCE, LOOK = 600, 0.5


class Trainer(Component):
    """Trains ResNet-18 models.

    Parameters:
        models: The `ModelConfig`s, with different names.
        keep: Folder that keeps trained models, so that a stopped run goes on.
        team: Who shares each batch; by default nobody, and models are trained side by side.

    Inputs:
        examples: `Examples`.

    Outputs:
        models: `Models`: for each config `<name>/model.keras` and `<name>/training.json` (config, loss and accuracy by
            epoch, seconds), and `models.json`, the list of names.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples},
        outputs={"models": Models},
        parameters={"models": list, "keep": str, "team": Team},
    )
    without_effect = ("keep", "team")

    def execute(self, inputs, outputs, options):
        configs, keep, team = (self.parameters[name] for name in ("models", "keep", "team"))
        if team.shares:
            train_as_team(configs, inputs["examples"].uri, keep, team)
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Models" >> beam.Create(configs)
                | "Spread" >> beam.Reshuffle()
                | "Train" >> beam.Map(train_to, inputs["examples"], outputs["models"].uri, keep)
            )
        write_json(outputs["models"].path("models.json"), [config.name for config in configs])


def train_to(config: ModelConfig, examples: Examples, folder: str, keep: str) -> str:
    """Trains one model, or takes the kept one, and puts it at `folder/<name>/`; returns the name.

    A training that was stopped goes on after its last finished epoch.
    """
    link_tree(train_together(config, examples, keep), os.path.join(folder, config.name))
    return config.name


def train_together(config: ModelConfig, examples: Examples, keep: str, strategy=None, first: bool = True) -> str:
    """Trains one model, with others who call this at the same time with the same strategy, or takes the kept one.

    Args:
        config: The model.
        examples: The data.
        keep: Folder that keeps trained models.
        strategy: A `tf.distribute` strategy; `None`: alone.
        first: Whether this is the one who writes checkpoints and the model.

    Returns:
        A local folder with the kept model.
    """
    teacher = train_together(config.teacher, examples, keep, strategy, first) if config.distill else ""
    what = config.to_dict() | {"plugin": of_plugin(type(config.defence))}
    stored = place(keep, what, examples, __name__)
    checkpoint = f"{stored}.checkpoint"

    def make(working):
        model, training = train(config, examples, checkpoint, strategy, first, teacher)
        model.save(os.path.join(working, "model.keras"))
        write_json(os.path.join(working, "training.json"), training)

    if not first:
        if not files.is_whole(stored):
            train(config, examples, checkpoint, strategy, first, teacher)
        return _waited_for(stored)
    found = kept(keep, what, examples, make, __name__)
    files.remove(checkpoint)
    return found


def _waited_for(folder):
    """A local copy of what the first worker writes."""
    started = time.monotonic()
    while not files.is_whole(folder):
        if time.monotonic() - started > PATIENCE:
            raise RuntimeError(f"the first worker did not write {folder} in {PATIENCE} s; give all of them one --keep")
        time.sleep(LOOK)
    return local_copy(folder)


def train(config: ModelConfig, examples: Examples, checkpoint: str, strategy=None, first: bool = True, teacher=""):
    """Trains one model; one that sends signal content first without, then, for the last epochs, with it.

    Args:
        config: The model.
        examples: The data.
        checkpoint: Folder of the last checkpoint; if it is there, the training goes on from it.
        strategy: A `tf.distribute` strategy; `None`: one replica.
        first: Whether checkpoints are written.
        teacher: Where the kept teacher is, for `config.distill`.

    Returns:
        `(model, training)`: a Keras model (mixing ones are a `DataMixModel` or `MixupModel`), and a `Training`.
    """
    import keras

    from components.training.checkpoint import Checkpoint, progress_of, restore

    keras.utils.set_random_seed(config.seed)
    schema = examples.schema()
    whole = config.defence.group_size * replicas_of(strategy)
    batch_size = whole_batch_size(min(config.batch_size, schema.splits["train"]), whole)
    an_epoch = steps(schema, "train", batch_size)
    with replicated(strategy):
        model = build_model(config, schema)
    progress = progress_of(checkpoint)
    history, seconds = progress["history"], progress["seconds"]
    for number, (stage, removing) in enumerate(_stages(config)):
        if removing:
            with replicated(strategy):
                model = config.defence.remove_signal(model, network_spec(config, schema))
        if number < progress["stage"]:
            continue
        finished = progress["epochs"] if number == progress["stage"] else 0
        with replicated(strategy):
            fitted, data = _prepared(stage, schema, model, examples, batch_size, an_epoch, finished, teacher)
        if finished:
            restore(checkpoint, fitted)
        saving = Checkpoint(checkpoint, number, history, seconds, writes=first)
        fit(fitted, data, strategy, stage.epochs, finished, an_epoch, [*_callbacks(stage, first), saving])
        history, seconds = saving.history, saving.seconds
    return model, Training(config=config.to_dict(), seconds=seconds, steps=an_epoch * config.epochs, history=history)


def _stages(config):
    """The trainings that follow each other, and whether signal is removed before each.

    Signal content is cut out of a network that has learned where it is.
    """
    if not config.defence.signal_rank:
        return [(config, False)]
    last = max(1, round(SIGNAL_SHARE * config.epochs))
    first = dataclasses.replace(config, epochs=config.epochs - last)
    rate = SIGNAL_RATE * config.learning_rate
    second = dataclasses.replace(config, epochs=last, curriculum=0.0, learning_rate=rate)
    return [(first, False), (second, True)] if first.epochs else [(second, True)]


def _prepared(config, schema, model, examples, batch_size, an_epoch, finished, teacher):
    """What to fit, compiled, and its data: the model itself, or its training against an adversary."""
    import keras

    from datamix_tf.training.adversarial import AdversarialTraining, adversary_for
    from datamix_tf.training.distillation import with_teacher

    def make_optimizer():
        return optimizer(config, config.epochs * an_epoch, WARMUP_EPOCHS * an_epoch)

    task = target_task(schema)
    mixup, adversarial = config.defence.mixes_labels, config.defence.needs_people
    data = batches(
        examples,
        "train",
        batch_size,
        seed=config.seed,
        augment=config.augment,
        beside=config.people if adversarial else "",
        mixup=task.outputs if mixup else 0,
        first_epoch=finished,
    )
    if adversarial:
        identifier = adversary_for(model, hidden_task(schema, config.people).outputs)
        training = AdversarialTraining(model, identifier, distance_weight=1.0)
        training.compile(make_optimizer(), optimizer=make_optimizer(), loss=task.loss(), jit_compile=False)
        return training, data
    if config.distill:
        known = keras.saving.load_model(os.path.join(teacher, "model.keras"), compile=False)
        data, loss, metrics = with_teacher(data, known, task.outputs), task.distillation(config.distill), []
    else:
        loss, metrics = (task.soft_loss(), []) if mixup else (task.loss(), [task.metric()])
    model.compile(make_optimizer(), loss, metrics=metrics, jit_compile=False)
    # Made here, the optimizer's variables are not traced one by one: half the time until the first step.
    model.optimizer.build(model.trainable_variables)
    return model, data


def _callbacks(config, shown):
    from datamix_tf.training.curriculum import MixingCurriculum

    bar = [EpochBar(config.name)] if shown else []
    return [*bar, *([MixingCurriculum(config.curriculum)] if config.defence.mixes else [])]
