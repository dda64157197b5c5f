"""Trainer: trains the models of a run, each an independent Beam element."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence

import apache_beam as beam

from components.base import Component, ComponentSpec
from components.caching.code_fingerprint import of_plugin
from components.caching.result_cache import cache_path, cached, link_tree
from components.errors import InputError
from components.progress.epochs import Epochs
from components.progress.journal import tell
from components.records.training import Training
from components.storage import files
from components.storage.artifacts import Examples, Models, write_json
from components.storage.local_copies import local_copy
from components.training.data import batches, hidden_task, steps, target_task, whole_batch_size
from components.training.distributed_fit import fit, replicas_of, strategy_scope
from components.training.distribution import Distribution, train_distributed
from components.training.networks import ModelConfig, network_spec, optimizer
from components.training.precision import FULL, built_in, in_float32
from components.training.splits import rows_of

#: Seconds for which the others wait for what the first worker writes, and between two looks.
PATIENCE, LOOK = 600, 0.5


class Trainer(Component):
    """Trains models.

    Parameters:
        models: The `ModelConfig`s, with different names.
        keep: Folder that keeps trained models, so that a stopped run goes on.
        distribution: Who shares each batch; by default nobody, and models are trained side by side.

    Inputs:
        examples: `Examples`.

    Outputs:
        models: `Models`: for each config `<name>/model.keras` and `<name>/training.json` (config, loss and accuracy by
            epoch, seconds), and `models.json`, the list of names.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples},
        outputs={"models": Models},
        parameters={"models": list, "keep": str, "distribution": Distribution},
    )
    without_effect = ("keep", "distribution")

    def execute(self, inputs, outputs, options):
        configs, keep, distribution = (self.parameters[name] for name in ("models", "keep", "distribution"))
        if distribution.shares:
            train_distributed(configs, inputs["examples"].uri, keep, distribution)
        examples, folder = inputs["examples"], outputs["models"].uri
        starts = {config.start.name: config.start for config in configs if config.start}
        with beam.Pipeline(options=options) as pipeline:
            started = (
                pipeline
                | "Starts" >> beam.Create(list(starts.values()))
                | "SpreadStarts" >> beam.Reshuffle()
                | "TrainStarts" >> beam.Map(train_together, examples, keep)
            )
            _ = (
                pipeline
                | "Models" >> beam.Create(configs)
                | "Spread" >> beam.Reshuffle()
                # A side input, so that the networks that others start from are trained once, before the others.
                | "Train" >> beam.Map(train_to, examples, folder, keep, beam.pvalue.AsList(started))
            )
        write_json(outputs["models"].path("models.json"), [config.name for config in configs])


def unit_of(config: ModelConfig) -> str:
    """The unit of work of the journal."""
    return f"training {config.name}"


def stored_at(config: ModelConfig, examples: Examples, keep: str) -> str:
    """Where the model of a config is kept once it is trained."""
    return cache_path(keep, _described(config), examples, __name__)


def _described(config):
    return config.key() | {"plugin": of_plugin(type(config.defence))}


def train_to(config: ModelConfig, examples: Examples, folder: str, keep: str, started: Sequence[str] = ()) -> str:
    """Trains one model, or takes the kept one, and puts it at `folder/<name>/`; returns the name.

    A training that was stopped goes on after its last finished epoch.
    """
    del started
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
    start = train_together(config.start, examples, keep, strategy, first) if config.start else ""
    what = _described(config)
    stored = stored_at(config, examples, keep)
    checkpoint = f"{stored}.checkpoint"

    def make(working):
        tell(unit_of(config), 0.0, "goes on after a stop" if files.exists(checkpoint) else "")
        model, training = train(config, examples, checkpoint, strategy, first, start)
        model.save(os.path.join(working, "model.keras"))
        write_json(os.path.join(working, "training.json"), training)

    if not first:
        if not files.is_whole(stored):
            train(config, examples, checkpoint, strategy, first, start)
        return _waited_for(stored)
    found = cached(keep, what, examples, make, __name__)
    tell(unit_of(config), 1.0)
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


def train(config: ModelConfig, examples: Examples, checkpoint: str, strategy=None, first: bool = True, start=""):
    """Trains one model, stage by stage (`Defence.stages`).

    Args:
        config: The model.
        examples: The data.
        checkpoint: Folder of the last checkpoint; if it is there, the training goes on from it.
        strategy: A `tf.distribute` strategy; `None`: one replica.
        first: Whether checkpoints are written.
        start: Where the kept model of `config.start` is.

    Returns:
        `(model, training)`: a Keras model (mixing ones are a `DataMixModel` or `MixupModel`), and a `Training`.
    """
    import keras

    from components.training.checkpoint import Checkpoint, progress_of, restore

    schema, defence = examples.schema(), config.defence
    spec = network_spec(config, schema)
    whole = defence.trained_group_size * replicas_of(strategy)
    batch_size = whole_batch_size(min(config.batch_size, schema.splits["train"]), whole)
    an_epoch = steps(schema, "train", batch_size)
    with strategy_scope(strategy):
        known = keras.saving.load_model(os.path.join(start, "model.keras"), compile=False) if start else None
        keras.utils.set_random_seed(config.seed)
        with _named(config), built_in(config.dtype):
            model = defence.build(spec) if defence.starts_from is None else known
    progress = progress_of(checkpoint)
    history, seconds = progress["history"], progress["seconds"]
    stages = defence.stages(config.epochs, config.fine_tune_epochs)
    epochs = [stage.epochs for stage in stages]
    for number, stage in enumerate(stages):
        if stage.change:
            with strategy_scope(strategy), _named(config):
                model = stage.change(_whole(model, config), spec, lambda: _valid(examples))
        if number < progress["stage"] or not stage.epochs:
            continue
        finished = progress["epochs"] if number == progress["stage"] else 0
        for layer in (frozen := list(stage.frozen(model))):
            layer.trainable = False
        with strategy_scope(strategy):
            data = _data(config, stage, examples, batch_size, finished)
            fitted, data = _compiled(config, stage, schema, model, data, an_epoch, known)
        if finished:
            restore(checkpoint, fitted)
        saving = Checkpoint(checkpoint, number, history, seconds, writes=first)
        shown = [Epochs(unit_of(config), sum(epochs), sum(epochs[:number]))] if first else []
        callbacks = [*shown, *_callbacks(config, stage), saving]
        fit(fitted, data, strategy, stage.epochs, finished, an_epoch, callbacks)
        history, seconds = saving.history, saving.seconds
        for layer in frozen:  # each: a functional model does not hand it on to its layers
            layer.trainable = True
    batches_seen = an_epoch * sum(epochs)
    return _whole(model, config), Training(
        config=config.to_dict(), seconds=seconds, steps=batches_seen, history=history
    )


def _whole(model, config):
    """A model in float32, whatever it was trained in."""
    return model if config.dtype == FULL else in_float32(model)


@contextlib.contextmanager
def _named(config):
    """What cannot be done to a user's own model is bad input; of our networks it is a fault."""
    try:
        yield
    except ValueError as error:
        if config.own is None or isinstance(error, InputError):
            raise
        text = " ".join(str(error).split())
        what = f"the method {config.defence.id} cannot be used on --model {config.own.name} as it is cut"
        raise InputError(f"{what}: {text}") from None


def _valid(examples):
    """Validation examples, `(x float32, y)`; of very many a part (`datamix_tf.sampling`)."""
    from datamix_tf.sampling import sampled

    x, y = sampled(rows_of(examples, "valid"))
    return x.astype("float32"), y


def _data(config, stage, examples, batch_size, finished):
    """The batches of a stage, from the epoch on that comes next."""
    task = target_task(examples.schema())
    return batches(
        examples,
        "train",
        batch_size,
        seed=config.seed,
        augment=config.augment,
        beside=config.people if stage.adversary else "",
        mixup=task.outputs if config.defence.mixes_labels else 0,
        first_epoch=finished,
    )


def _compiled(config, stage, schema, model, data, an_epoch, known):
    """What to fit, compiled, and its data: the model itself, or what trains it."""
    import keras

    from datamix_tf.training.adversarial import AdversarialTraining, adversary_for
    from datamix_tf.training.distillation import with_teacher

    def make_optimizer():
        return optimizer(config, stage, stage.epochs * an_epoch, config.warmup_epochs * an_epoch)

    task = target_task(schema)
    if adversary := stage.adversary:
        identifier = adversary_for(model, hidden_task(schema, config.people).outputs)
        training = AdversarialTraining(model, identifier, adversary.gamma, adversary.distance_weight)
        rate = adversary.learning_rate
        own = make_optimizer() if rate is None else keras.optimizers.Adam(rate)
        training.compile(own, optimizer=make_optimizer(), loss=task.loss(), jit_compile=False)
        return training, data
    if config.distill:
        data, loss, metrics = with_teacher(data, known, task.outputs), task.distillation(config.distill), []
    elif config.defence.mixes_labels:
        loss, metrics = task.soft_loss(), []
    else:
        loss, metrics = task.loss(), [task.metric()]
    fitted = stage.wrapped(model, network_spec(config, schema), an_epoch) if stage.wrapped else model
    fitted.compile(make_optimizer(), loss, metrics=metrics, jit_compile=config.jit_compile and not stage.wrapped)
    # Made here, the optimizer's variables are not traced one by one: half the time until the first step.
    fitted.optimizer.build(fitted.trainable_variables)
    return fitted, data


def _callbacks(config, stage):
    from datamix_tf.training.curriculum import MixingCurriculum

    rising = config.curriculum if stage.curriculum else 0.0
    return [MixingCurriculum(rising)] if config.defence.mixes else []
