"""Where a network can be cut, what each cut costs the edge, and what a probe reads of the features there."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from datamix_tf.costs import macs_of_calls
from datamix_tf.graph import ancestors, calls
from datamix_tf.metrics import balanced_accuracy, best_thresholds
from datamix_tf.split import possible_cuts, split
from datamix_tf.typing import Array, Node, Tensor

FLOAT_BYTES = 4
#: Most numbers of a feature that a probe looks at: larger maps are averaged over squares.
PROBED_NUMBERS = 4096
COMPONENTS = 200


@dataclasses.dataclass(frozen=True)
class CutCost:
    """A place to cut, and what it costs for one input.

    Attributes:
        after: Name of the last layer on the edge.
        macs: Multiply-adds in front of the cut.
        params: Trainable parameters in front of it.
        bytes_up: Of the feature there, in float32.
        shape: Of the feature, without the batch.
    """

    after: str
    macs: int
    params: int
    bytes_up: int
    shape: tuple[int, ...]


def cut_costs(network: keras.Model, before: str) -> list[CutCost]:
    """The possible cuts of a network in the order of its graph, one for each amount of work on the edge.

    Of several with the same multiply-adds (a convolution, its normalisation, its activation, a pooling) it is the one
    that sends least, the last of equal ones. Cuts without any work are left out: they send the raw input.

    Args:
        network: A functional model with one input and one output.
        before: Name of M_post's first layer.

    Raises:
        ValueError: As `split` and `datamix_tf.costs.count_macs`.
    """
    macs, names = macs_of_calls(network), possible_cuts(network)
    split(network, after=names[0], before=before)  # tells what is wrong with `before`
    answered = calls(network, network.get_layer(before))[0].input_tensors[0]
    in_front = ancestors(answered)
    found: dict[int, CutCost] = {}
    for name in names:
        (sent,) = calls(network, network.get_layer(name))[0].outputs
        if sent is answered or id(sent) not in in_front:  # nothing is left between, or it lies behind
            continue
        cost = _cost(name, network, macs)
        known = found.get(cost.macs)
        if cost.macs and (known is None or cost.bytes_up <= known.bytes_up):
            found[cost.macs] = cost
    return sorted(found.values(), key=lambda cost: cost.macs)


def cost_of_cut(network: keras.Model, after: str) -> CutCost:
    """What a cut behind one layer costs."""
    return _cost(after, network, macs_of_calls(network))


def _cost(name: str, network: keras.Model, macs: list[tuple[Node, int]]) -> CutCost:
    (call,) = calls(network, network.get_layer(name))
    tensor = call.outputs[0]
    behind = ancestors(tensor)
    inside = [(call, count) for call, count in macs if all(id(output) in behind for output in call.outputs)]
    weights = {id(weight): weight for call, _ in inside for weight in getattr(call.operation, "trainable_weights", ())}
    shape = tuple(tensor.shape[1:])
    return CutCost(
        name,
        sum(count for _, count in inside),
        sum(math.prod(weight.shape) for weight in weights.values()),
        FLOAT_BYTES * math.prod(shape),
        shape,
    )


def probed_features(network: keras.Model, names: Sequence[str], x: Array, batch_size: int = 32) -> list[Array]:
    """What a probe is shown of the features at several cuts, each `[n, numbers]` in float32.

    Maps with more than `PROBED_NUMBERS` are averaged over squares until they have no more.

    Args:
        network: The functional model; its weights stay as they are.
        names: Of the layers.
        x: Raw inputs `[n, ...]`.
        batch_size: Inputs at a time.
    """
    tensors = [_small(network.get_layer(name).output) for name in names]
    sender = keras.Model(network.inputs[0], tensors)
    parts = [
        keras.tree.flatten(sender(np.asarray(x[start : start + batch_size], "float32"), training=False))
        for start in range(0, len(x), batch_size)
    ]
    return [np.concatenate([np.asarray(part[i], "float32") for part in parts]) for i in range(len(names))]


class FrozenProbe:
    """Ridge classifiers on the principal components of frozen features, as `LinearProbe` has them, but all in one fit.

    Args:
        train: Features to learn from, `[n, numbers]`; the last third sets thresholds.
        test: Features that it is scored on, likewise.
    """

    def __init__(self, train: Array, test: Array) -> None:
        from sklearn.decomposition import PCA
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.known = 2 * len(train) // 3
        components = min(COMPONENTS, self.known, train.shape[1])
        scale = make_pipeline(PCA(components, random_state=0), StandardScaler()).fit(train[: self.known])
        self.train, self.test = scale.transform(train), scale.transform(test)

    def score(self, train: Array, test: Array, binary: bool) -> tuple[float, float]:
        """What it reads of labels.

        Args:
            train: Labels of the features to learn from, int `[n]`, or `[n, labels]` if they are binary.
            test: Of those that it is scored on, likewise.
            binary: Whether they are several independent 0/1 labels.

        Returns:
            Score and chance: balanced accuracy and one half of binary labels, else accuracy and what naming the most
            frequent class of the train labels reaches.
        """
        from sklearn.linear_model import RidgeClassifierCV

        from datamix_tf.attacks.single.label_attack import share_of_most_seen

        known = train[: self.known]
        if not binary and len(np.unique(known)) < 2:
            chance = share_of_most_seen(known, test)
            return chance, chance
        ridge = RidgeClassifierCV(np.logspace(0, 4, 5)).fit(self.train[: self.known], known)
        if not binary:
            found = ridge.predict(self.test)
            return float((found == test).mean()), share_of_most_seen(known, test)
        thresholds = best_thresholds(train[self.known :], ridge.decision_function(self.train[self.known :]))
        return balanced_accuracy(test, ridge.decision_function(self.test) > thresholds), 0.5


def _small(tensor: Tensor) -> Tensor:
    shape = tensor.shape[1:]
    if len(shape) == 3 and math.prod(shape) > PROBED_NUMBERS:
        pool = math.ceil(math.sqrt(math.prod(shape) / PROBED_NUMBERS))
        tensor = keras.layers.AveragePooling2D(min(pool, *shape[:2]))(tensor)
    return keras.layers.Flatten()(tensor)


def evenly(items: Sequence[Any], most: int) -> list[Any]:
    """At most so many of the items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    if most < 2:
        return list(items[:most])
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, most)]
