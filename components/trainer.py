"""Trainer: trains the models of a run, each an independent Beam element."""

from __future__ import annotations

import dataclasses
import os

import apache_beam as beam

from components import files
from components.artifacts import Examples, Models, write_json
from components.base import Component, ComponentSpec
from components.data import batches, hidden_task, steps, target_task, whole_batch_size
from components.epoch_bar import EpochBar
from components.kept import kept, link_tree, place
from components.networks import ModelConfig, build_model, optimizer, with_signal_content

WARMUP_EPOCHS = 2
#: Share of the epochs that are trained with signal content, and of the peak learning rate.
SIGNAL_SHARE, SIGNAL_RATE = 0.3, 0.3


class Trainer(Component):
    """Trains ResNet-18 models.

    Parameters:
        models: The `ModelConfig`s, with different names.
        keep: Folder that keeps trained models, so that a stopped run goes on.

    Inputs:
        examples: `Examples`.

    Outputs:
        models: `Models`: for each config `<name>/model.keras` and `<name>/training.json` (config, loss and accuracy by
            epoch, seconds), and `models.json`, the list of names.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples}, outputs={"models": Models}, parameters={"models": list, "keep": str}
    )
    without_effect = ("keep",)

    def execute(self, inputs, outputs, options):
        configs = self.parameters["models"]
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Models" >> beam.Create(configs)
                | "Spread" >> beam.Reshuffle()
                | "Train" >> beam.Map(train_to, inputs["examples"], outputs["models"].uri, self.parameters["keep"])
            )
        write_json(outputs["models"].path("models.json"), [config.name for config in configs])


def train_to(config: ModelConfig, examples: Examples, folder: str, keep: str) -> str:
    """Trains one model, or takes the kept one, and puts it at `folder/<name>/`; returns the name.

    A training that was stopped goes on after its last finished epoch.
    """
    what = dataclasses.asdict(config)
    checkpoint = f"{place(keep, what, examples, __name__)}.checkpoint"

    def make(working):
        model, training = train(config, examples, checkpoint)
        model.save(os.path.join(working, "model.keras"))
        write_json(os.path.join(working, "training.json"), training)

    stored = kept(keep, what, examples, make, __name__)
    files.remove(checkpoint)
    link_tree(stored, os.path.join(folder, config.name))
    return config.name


def train(config: ModelConfig, examples: Examples, checkpoint: str):
    """Trains one model; one that sends signal content first without, then, for the last epochs, with it.

    Args:
        config: The model.
        examples: The data.
        checkpoint: Folder of the last checkpoint; if it is there, the training goes on from it.

    Returns:
        `(model, training)`: a Keras model (mixing ones are a `DataMixModel` or `MixupModel`), and a JSON-ready record
        of its training.
    """
    import keras

    from components.checkpoint import Checkpoint, progress_of, restore

    keras.utils.set_random_seed(config.seed)
    schema = examples.read_json("schema.json")
    batch_size = whole_batch_size(min(config.batch_size, schema["splits"]["train"]), config.group_size)
    model, an_epoch = build_model(config, schema), steps(schema, "train", batch_size)
    progress = progress_of(checkpoint)
    history, seconds = progress["history"], progress["seconds"]
    for number, stage in enumerate(_stages(config)):
        if stage.signal_rank:
            model = with_signal_content(model, stage)
        if number < progress["stage"]:
            continue
        finished = progress["epochs"] if number == progress["stage"] else 0
        fitted, data = _prepared(stage, schema, model, examples, batch_size, an_epoch, finished)
        if finished:
            restore(checkpoint, fitted)
        saving = Checkpoint(checkpoint, number, history, seconds)
        callbacks = [*_callbacks(stage), saving]
        fitted.fit(
            data,
            epochs=stage.epochs,
            initial_epoch=finished,
            steps_per_epoch=an_epoch,
            shuffle=False,
            verbose=0,
            callbacks=callbacks,
        )
        history, seconds = saving.history, saving.seconds
    training = {
        "config": dataclasses.asdict(config),
        "seconds": seconds,
        "steps": an_epoch * config.epochs,
        "history": history,
    }
    return model, training


def _stages(config):
    """The trainings that follow each other: signal content is cut out of a network that has learned where it is."""
    if not config.signal_rank:
        return [config]
    last = max(1, round(SIGNAL_SHARE * config.epochs))
    first = dataclasses.replace(config, signal_rank=0, epochs=config.epochs - last)
    rate = SIGNAL_RATE * config.learning_rate
    second = dataclasses.replace(config, epochs=last, curriculum=0.0, learning_rate=rate)
    return [first, second] if first.epochs else [second]


def _prepared(config, schema, model, examples, batch_size, an_epoch, finished):
    """What to fit, compiled, and its data: the model itself, or its training against an adversary."""
    from datamix_tf.adversarial import AdversarialTraining, adversary_for

    def make_optimizer():
        return optimizer(config, config.epochs * an_epoch, WARMUP_EPOCHS * an_epoch)

    task = target_task(schema)
    mixup, adversarial = config.method == "mixup", config.method == "anonymizer"
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
    loss, metrics = (task.soft_loss(), []) if mixup else (task.loss(), [task.metric()])
    model.compile(make_optimizer(), loss, metrics=metrics, jit_compile=False)
    # Made here, the optimizer's variables are not traced one by one: half the time until the first step.
    model.optimizer.build(model.trainable_variables)
    return model, data


def _callbacks(config):
    from datamix_tf.curriculum import MixingCurriculum

    return [EpochBar(config.name), *([MixingCurriculum(config.curriculum)] if config.mixing else [])]
