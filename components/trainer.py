"""Trainer: trains the models of a run, each an independent Beam element."""

from __future__ import annotations

import dataclasses
import os
import time

import apache_beam as beam

from components.artifacts import Examples, Models, write_json
from components.base import Component, ComponentSpec
from components.data import batches, target_task, whole_batch_size
from components.epoch_bar import EpochBar

WARMUP_EPOCHS = 2


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """One model to train.

    Attributes:
        method: `"plain"`, `"datamix"` (trained through the mixing), `"noise"` or `"blur"` (the edge obfuscates the raw
            input).
        level: Variance of the noise, or the size that blurring leaves; 0 for the other methods.
        num_pre_blocks: N_pre, blocks on the edge: 1, 2 or 3.
        group_size: S_G, inputs mixed with each other.
        hidden_units: Units of a hidden layer in M_post; 0 for none, as in the papers.
        width: Filters of the stem; 64 is ResNet-18.
        epochs: Passes over the train split.
        batch_size: Examples in a batch; lowered to a multiple of the group size.
        curriculum: Share of the epochs in which the mixing rises from no group to all; 0 mixes fully from the start,
            as in the papers.
        standardize: Whether a batch normalisation without scale and offset stands in front of the mixing, so that the
            features' common mean does not carry the key's row sums into the mixtures.
        learning_rate: Peak of AdamW's learning rate (linear warm-up, then cosine decay to 0).
        weight_decay: Decoupled weight decay.
        augment: Any of `"flip"` and `"shift"`.
        seed: Seed of initialisation, order, augmentation and training keys.
    """

    method: str
    level: float
    num_pre_blocks: int
    group_size: int
    hidden_units: int
    width: int
    epochs: int
    batch_size: int
    curriculum: float
    standardize: bool
    learning_rate: float
    weight_decay: float
    augment: tuple[str, ...]
    seed: int

    @property
    def name(self) -> str:
        if self.mixing:
            return f"datamix-pre{self.num_pre_blocks}-group{self.group_size}-seed{self.seed}"
        return f"{self.method}{f'{self.level:g}' if self.level else ''}-seed{self.seed}"

    @property
    def mixing(self) -> bool:
        """Whether it is trained through the mixing."""
        return self.method == "datamix"


class Trainer(Component):
    """Trains ResNet-18 models with AdamW and cosine decay.

    Parameters:
        models: The `ModelConfig`s, with different names.

    Inputs:
        examples: `Examples`.

    Outputs:
        models: `Models`: for each config `<name>/model.keras` and `<name>/training.json` (config, loss and accuracy by
            epoch, seconds), and `models.json`, the list of names.
    """

    spec = ComponentSpec(inputs={"examples": Examples}, outputs={"models": Models}, parameters={"models": list})

    def execute(self, inputs, outputs, options):
        configs = self.parameters["models"]
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Models" >> beam.Create(configs)
                | "Spread" >> beam.Reshuffle()
                | "Train" >> beam.Map(train_to, inputs["examples"], outputs["models"].uri)
            )
        write_json(outputs["models"].path("models.json"), [config.name for config in configs])


def train_to(config: ModelConfig, examples: Examples, folder: str) -> str:
    """Trains one model and writes it to `folder/<name>/`; returns the name."""
    model, training = train(config, examples)
    os.makedirs(os.path.join(folder, config.name))
    model.save(os.path.join(folder, config.name, "model.keras"))
    write_json(os.path.join(folder, config.name, "training.json"), training)
    return config.name


def train(config: ModelConfig, examples: Examples):
    """Trains one model.

    Returns:
        `(model, training)`: a `DataMixModel` or a plain Keras model, and a JSON-ready record of its training.
    """
    import keras

    from datamix_tf.curriculum import MixingCurriculum

    keras.utils.set_random_seed(config.seed)
    schema = examples.read_json("schema.json")
    batch_size = whole_batch_size(min(config.batch_size, schema["splits"]["train"]), config.group_size)
    data = batches(examples, "train", batch_size, seed=config.seed, augment=config.augment)
    model, task = build_model(config, schema), target_task(schema)
    steps = schema["splits"]["train"] // batch_size
    optimizer = cosine_adamw(config.learning_rate, config.weight_decay, config.epochs * steps, WARMUP_EPOCHS * steps)
    model.compile(optimizer, task.loss(), metrics=[task.metric()], jit_compile=False)
    # Made here, the optimizer's variables are not traced one by one: half the time until the first step.
    optimizer.build(model.trainable_variables)
    started = time.monotonic()
    callbacks = [EpochBar(config.name), *([MixingCurriculum(config.curriculum)] if config.mixing else [])]
    history = model.fit(data, epochs=config.epochs, shuffle=False, verbose=0, callbacks=callbacks)
    training = {
        "config": dataclasses.asdict(config),
        "seconds": time.monotonic() - started,
        "steps": steps * config.epochs,
        "history": {name: [float(value) for value in values] for name, values in history.history.items()},
    }
    return model, training


def build_model(config: ModelConfig, schema):
    """The untrained network of a config, with the train split's statistics in a normalisation layer."""
    import keras

    from datamix_tf import DataMixModel, split
    from datamix_tf.models.resnet import post_layer, pre_layer, resnet18

    normalization = keras.layers.Normalization(mean=schema["mean"], variance=schema["variance"], name="normalization")
    network = resnet18(
        tuple(schema["shape"]),
        target_task(schema).outputs,
        width=config.width,
        hidden_units=config.hidden_units,
        normalization=normalization,
        obfuscation=obfuscation(config),
    )
    if not config.mixing:
        return network
    pre, main, post = split(network, after=pre_layer(config.num_pre_blocks), before=post_layer(network))
    if config.standardize:
        standardize = keras.layers.BatchNormalization(center=False, scale=False, momentum=0.9, name="standardize")
        pre = keras.Model(pre.inputs[0], standardize(pre.outputs[0]), name=pre.name)
    return DataMixModel(pre, main, post, group_size=config.group_size, seed=config.seed, name="datamix")


def obfuscation(config: ModelConfig):
    """The layer with which the edge obfuscates raw inputs, or `None`."""
    from datamix_tf.layers import Blur, InputNoise

    if config.method == "noise":
        return InputNoise(config.level, seed=config.seed)
    return Blur(int(config.level)) if config.method == "blur" else None


def cosine_adamw(learning_rate, weight_decay, steps, warmup_steps):
    """AdamW with linear warm-up and cosine decay to 0 over `steps`."""
    import keras

    warmup_steps = min(warmup_steps, steps // 4)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup_steps), warmup_target=learning_rate, warmup_steps=warmup_steps
    )
    if not warmup_steps:
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, max(1, steps))
    return keras.optimizers.AdamW(schedule, weight_decay=weight_decay)
