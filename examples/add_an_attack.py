"""An attack of your own, on the same models as the built-in ones.

    python -m examples.add_an_attack [--epochs 12] [--run RUN_DIR]

An attack is a class with `fit`, on what an attacker has, and `score`, on examples that it has not seen; what it knows
of the system it is given when it is made. `datamix_tf.transmission` has what it takes: `transmitted`, what the cloud
receives of a model, and `cloud_body`, what the cloud computes from that.

`NearestNeighbour` needs no training: it computes the cloud's features of labelled pictures that the attacker has, and
names whoever is most like what it receives. It is run on a network that is sent raw pictures, on DataMix and on the
mixed bottleneck of the hardened preset, beside a built-in attack on the same label (`LinearProbe`) and, where inputs
are mixed, beside the separation of groups whose mixtures are known to belong together (`KeyAttack`). Chance, standard
error and the number of test pictures or groups stand beside each score. A low score of one attack is no proof of
safety: the keys of DataMix are found where the other two attacks read nothing.

`register_attack` adds it to the pipeline from outside, with no change to the repository; it then has a place in tables,
report and audit:

    python -m pipeline.run --plugin examples.add_an_attack --attacks label,nearest_neighbour
    python -m pipeline.audit RUN_DIR --plugin examples.add_an_attack --attacks nearest_neighbour
"""

from __future__ import annotations

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from datamix_tf import DataMixModel
from datamix_tf.attacks import Attack, KeyAttack, LinearProbe
from datamix_tf.attacks.registry import AttackSpec, register_attack
from datamix_tf.attacks.single.label_attack import naming_score
from datamix_tf.mates import arrange
from datamix_tf.models.bottleneck import bottleneck_parts
from datamix_tf.transmission import cloud_body, copy_of, group_size_of, transmitted
from examples import data
from examples.networks import datamix, fit, network


class NearestNeighbour(Attack):
    """Names the label of the attacker's own picture that is nearest in the cloud's features.

    The attacker is the cloud, which knows all weights. It computes its answers to its own pictures without any mixing,
    and compares them with its answer to one transmitted tensor by the cosine of their angle; the sign is left out,
    because a key may turn it. Mixture k of a group is taken to correspond to input k.

    Args:
        model: The attacked model, see `datamix_tf.transmission`.
        seed: Seed of keys and of who is mixed with whom.
    """

    def __init__(self, model, seed=0):
        self.sender, self.group_size, self.seed = transmitted(model, seed=seed), group_size_of(model), seed
        self.own = copy_of(model.pre) if isinstance(model, DataMixModel) else self.sender
        self.body = cloud_body(model)
        self.mean = self.gallery = self.labels = None

    def fit(self, train, valid):
        del valid  # there is nothing to choose
        x, self.labels = train
        answers = self._answers(self.own, x)
        self.mean = answers.mean(0) / max(np.linalg.norm(answers.mean(0)), 1e-12)
        self.gallery = self._directions(answers)

    def score(self, test):
        x, y = test
        order = arrange(np.zeros(len(y)), self.group_size, random=np.random.default_rng(self.seed))
        received = self._directions(self._answers(self.sender, x[order]))
        nearest = np.abs(received @ self.gallery.T).argmax(1)
        # An `AttackScore` with hits, what naming the most frequent person reaches, and a standard error over groups.
        named, classes, details = self.labels[nearest], int(self.labels.max()) + 1, {"attack": "nearest neighbour"}
        return naming_score(y[order], named, self.labels, classes, self.group_size, details)

    def _answers(self, sender, x):
        """The cloud's answers to what is sent of inputs, `[n, features]`."""
        step = 16 * self.group_size
        parts = [
            np.asarray(self.body(sender(np.asarray(x[i : i + step], "float32"), training=False), training=False))
            for i in range(0, len(x), step)
        ]
        return np.concatenate([part.reshape(len(part), -1) for part in parts])

    def _directions(self, answers):
        """Rows of length 1, without what all pictures have in common."""
        rows = answers - np.outer(answers @ self.mean, self.mean)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


register_attack(
    AttackSpec(
        "nearest_neighbour",
        "nearest neighbour in the cloud's features",
        "single",
        lambda subject: NearestNeighbour(subject.model, subject.training.seed),
        labels=True,
        binary=False,
    )
)


def bottleneck(pictures, group_size: int, seed: int):
    """The mixed bottleneck of the hardened preset, small: 64 numbers that say at most 90 bits."""
    shape, outputs = pictures.schema.shape, pictures.task.outputs
    more = {"width": 16, "hidden_units": 0, "normalization": pictures.normalization(), "seed": seed}
    return DataMixModel(*bottleneck_parts(shape, outputs, 64, 90, **more), group_size=group_size, seed=seed)


def attacks(model, pictures, seed: int) -> dict:
    """The scores of the new attack and of built-in ones on one model: name -> `AttackScore`."""
    people, classes = pictures.strangers_left_out()
    tried = {
        "people, nearest neighbour (new)": (NearestNeighbour(model, seed), people),
        "people, linear probe": (LinearProbe(model, classes, False, seed=seed), people),
    }
    if isinstance(model, DataMixModel):
        tried["key of a known group"] = KeyAttack(model, groups=16, seed=seed), pictures.target
    scores = {}
    for name, (attack, splits) in tried.items():
        attack.fit(splits["train"], splits["valid"])
        scores[name] = attack.score(splits["test"])
    return scores


def main(argv=None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_flags(parser, examples=700, image_size=32)
    add = parser.add_argument
    add("--group_size", type=int, default=8, help="pictures mixed with each other (default: 8)")
    add("--epochs", type=int, default=12, help="passes of each network (default: 12)")
    add("--methods", default="", help="some of: plain, DataMix, bottleneck; with commas (default: all)")
    arguments = parser.parse_args(argv)

    pictures, seed, size = data.load(arguments), arguments.seed, arguments.group_size
    made = {
        "plain": lambda: network(pictures),
        "DataMix": lambda: datamix(pictures, size, seed),
        "bottleneck": lambda: bottleneck(pictures, size, seed),
    }
    chosen = data.chosen(arguments.methods, made)
    print("| model | attack | score | chance | standard error | test pictures or groups |\n|" + " --- |" * 6)
    found = {}
    for method in chosen:
        keras.utils.set_random_seed(seed)
        model = fit(made[method](), pictures, arguments.epochs, size)
        found[method] = attacks(model, pictures, seed)
        for name, score in found[method].items():
            figures = (score.score, score.chance, score.standard_error)
            shares = " | ".join(f"{100 * figure:.1f} %" for figure in figures)
            print(f"| {method} | {name} | {shares} | {score.n} |", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(data.run(main))
