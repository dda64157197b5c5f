"""A defence of your own, under the same attacks as the built-in ones.

    python -m examples.add_a_defence [--patch 4] [--epochs 12] [--run RUN_DIR]

A defence that changes the raw input on the edge is a layer: a subclass of `datamix_tf.layers.Obfuscation`, like
`PatchShuffle` below, put in front of the network. Nothing else has to know of it: `datamix_tf.transmission` finds the
layer in a model and cuts there, and every attack then sees its output.

`PatchShuffle` is compared with nothing at all, noise, blur and DataMix. Each network learns the same labels for so many
passes; a network then tries to read those labels and the people (`LabelAttack`) from what is sent, and where inputs are
mixed the keys are separated from groups whose mixtures are known to belong together (`KeyAttack`). Chance and the
number of test pictures or groups stand beside each score.

`ShuffledPatches` tells the pipeline of it, from outside, with no change to the repository: what it is called, its flag,
and its layer. Costs, bytes, tables, the report and the cache of trainings follow.

    python -m pipeline.run --plugin examples.add_a_defence --methods cloud,patch_shuffle,datamix --patch_shuffle 4,8

A package of your own that is installed needs no `--plugin`: it names the module under the entry points
`datamix_tf.defences`.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import ops

from datamix_tf import DataMixModel
from datamix_tf.attacks import AttackTraining, KeyAttack, LabelAttack
from datamix_tf.defences import ObfuscatedInput, register, variant
from datamix_tf.layers import Blur, InputNoise, Obfuscation
from datamix_tf.metrics import balanced_accuracy
from datamix_tf.settings import at_least
from examples import data
from examples.networks import datamix, fit, network


@keras.saving.register_keras_serializable(package="examples")
class PatchShuffle(Obfuscation):
    """Permutes the pixels within every patch of a picture, each patch in a fresh random order at every call.

    What a patch shows is lost, its colours are kept.

    Args:
        patch: Rows and columns of a patch, at least 1; must divide those of the pictures.
        seed: Optional int that makes the orders repeatable.

    Call arguments:
        inputs: `[batch, height, width, channels]`, floating point.

    Returns:
        A tensor of the inputs' shape and dtype.

    Raises:
        ValueError: If `patch` is below 1 or does not divide height and width.
    """

    def __init__(self, patch, seed=None, **kwargs):
        super().__init__(**kwargs)
        if patch < 1:
            raise ValueError(f"`patch` must be at least 1. Received: {patch}")
        self.patch, self.seed = patch, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        height, width = input_shape[1:3]
        if height % self.patch or width % self.patch:
            raise ValueError(f"`patch` must divide height and width. Received: {self.patch} for {height} x {width}")
        super().build(input_shape)

    def call(self, inputs):
        height, width, channels = inputs.shape[1:]
        rows, columns, pixels = height // self.patch, width // self.patch, self.patch**2
        patches = ops.reshape(inputs, (-1, rows, self.patch, columns, self.patch, channels))
        patches = ops.reshape(ops.transpose(patches, (0, 1, 3, 2, 4, 5)), (-1, rows * columns, pixels, channels))
        # The ranks of random numbers are a random order.
        draws = keras.random.uniform((ops.shape(inputs)[0], rows * columns, pixels), seed=self.seed_generator)
        order = ops.argsort(draws)[..., None]
        shuffled = ops.take_along_axis(patches, order, 2)
        shuffled = ops.reshape(shuffled, (-1, rows, columns, self.patch, self.patch, channels))
        return ops.reshape(ops.transpose(shuffled, (0, 1, 3, 2, 4, 5)), (-1, height, width, channels))

    def get_config(self):
        return {**super().get_config(), "patch": self.patch, "seed": self.seed}


@register
@dataclasses.dataclass(frozen=True)
class ShuffledPatches(ObfuscatedInput):
    """Pixels shuffled within patches, as a method of the pipeline."""

    id = "patch_shuffle"
    patch: int = variant(
        4,
        "rows and columns of the patches of the method patch_shuffle, with commas",
        flag="patch_shuffle",
        values=(4,),
        **at_least(1),
    )

    @property
    def label(self):
        return f"patches of {self.patch} x {self.patch} shuffled"

    def layer(self, seed):
        return PatchShuffle(self.patch, seed=seed)


def accuracy(model, pictures) -> float:
    """Balanced accuracy of a model's predictions on the test split (binary labels: threshold 0), 0 to 1."""
    x, y = pictures.target["test"]
    logits = model.predict(x.astype("float32"), verbose=0)
    return balanced_accuracy(y, logits > 0 if pictures.task.kind == "binary" else logits.argmax(1))


def attacks(model, pictures, training) -> dict:
    """The scores of the same attacks on what any model sends: name -> `AttackScore`, the key's only where one is."""
    people, classes = pictures.strangers_left_out()
    task = pictures.task
    tried = {
        "labels": (LabelAttack(model, task.outputs, task.kind == "binary", training), pictures.target),
        "people": (LabelAttack(model, classes, False, training), people),
    }
    if isinstance(model, DataMixModel):
        tried["key of a group"] = KeyAttack(model, groups=16, seed=training.seed), pictures.target
    scores = {}
    for name, (attack, splits) in tried.items():
        attack.fit(splits["train"], splits["valid"])
        scores[name] = attack.score(splits["test"])
    return scores


def cell(score) -> str:
    """A score beside its chance level and sample count."""
    return f"{100 * score.score:5.1f} % ({100 * score.chance:4.1f} %, {score.n})" if score else "-"


def main(argv=None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_flags(parser, examples=700, image_size=32)
    add = parser.add_argument
    add("--patch", type=int, default=4, help="rows and columns of a patch (default: 4)")
    add("--group_size", type=int, default=8, help="pictures mixed with each other (default: 8)")
    add("--epochs", type=int, default=12, help="passes of each network (default: 12)")
    add("--attack_epochs", type=int, default=5, help="passes of each attack (default: 5)")
    add("--methods", default="", help="some of: nothing, noise, blur, shuffle, DataMix; with commas (default: all)")
    arguments = parser.parse_args(argv)

    from components.errors import InputError

    pictures, seed = data.load(arguments), arguments.seed
    sides = pictures.schema.shape[:2]
    if arguments.patch < 1 or any(side % arguments.patch for side in sides):
        raise InputError(f"--patch must divide rows and columns, {sides}, received {arguments.patch}")
    made = {
        "nothing": lambda: network(pictures),
        "noise": lambda: network(pictures, InputNoise(4, seed=seed)),
        "blur": lambda: network(pictures, Blur(8)),
        "shuffle": lambda: network(pictures, PatchShuffle(arguments.patch, seed=seed)),
        "DataMix": lambda: datamix(pictures, arguments.group_size, seed),
    }
    chosen = data.chosen(arguments.methods, made)
    names = {
        "nothing": "raw pictures",
        "noise": "noise N(0, 4)",
        "blur": "blur to 8 x 8",
        "shuffle": f"patches of {arguments.patch} x {arguments.patch} shuffled",
        "DataMix": f"DataMix, S_G = {arguments.group_size}",
    }
    training = AttackTraining(epochs=arguments.attack_epochs, batch_size=4 * arguments.group_size, seed=seed)
    print(f"{pictures.task.outputs} labels, chance 50 % for binary ones; in brackets: chance, test pictures or groups")
    head = ("what the cloud receives", "balanced accuracy", "attack: labels", "attack: people", "attack: key")
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    found = {}
    for method in chosen:
        keras.utils.set_random_seed(seed)
        model = fit(made[method](), pictures, arguments.epochs, arguments.group_size)
        found[method] = {"accuracy": accuracy(model, pictures), **attacks(model, pictures, training)}
        cells = [cell(found[method].get(name)) for name in ("labels", "people", "key of a group")]
        print(f"| {names[method]} | {100 * found[method]['accuracy']:.1f} % | {' | '.join(cells)} |", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(data.run(main))
