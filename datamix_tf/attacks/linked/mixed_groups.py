"""Groups of mixtures as the cloud receives them, beside what only a measurement knows."""

from __future__ import annotations

import dataclasses
import functools

import keras
import numpy as np
from scipy.stats import ortho_group

from datamix_tf.layers import GaussianBottleneck, OrthogonalKeys
from datamix_tf.layers.gaussian_bottleneck import without_noise
from datamix_tf.sampling import most_rows, sampled_rows
from datamix_tf.transmission import copy_of, mixes_groups
from datamix_tf.typing import Array

DRAWS = 4


@dataclasses.dataclass(frozen=True)
class MixedGroup:
    """One group.

    Attributes:
        index: Which examples it is made of, `[S_G]`.
        features: Their features, `[S_G, ...]`.
        key: The mixing matrix `[S_G, S_G]`.
        mixtures: `key features`, `[S_G, ...]`, what the cloud sees.
    """

    index: Array
    features: Array
    key: Array
    mixtures: Array


class MixedGroups:
    """Mixes groups of examples as the edge of a model would.

    Args:
        model: A `MixingModel` with orthogonal keys and groups of at least 2, such as a `DataMixModel`.
        seed: Seed of the keys.

    Raises:
        ValueError: If the model does not mix groups of at least 2.
    """

    def __init__(self, model: keras.Model, seed: int = 0) -> None:
        if not mixes_groups(model):
            raise ValueError(
                f"Expected a model that mixes groups of at least 2 with orthogonal keys. Received: {model!r}"
            )
        self.model, self.group_size, self.seed = model, model.group_size, seed
        self._pre = copy_of(model.pre)
        self._main = copy_of(model.main)

    def features(self, x: Array, batch_size: int = 256) -> Array:
        """Features of inputs, `[batch, ...]`."""
        return _apply(self._pre, x, batch_size)

    @functools.cached_property
    def _quiet(self) -> tuple[keras.Model, float]:
        return without_noise(self._pre)

    @property
    def noise(self) -> float:
        """Standard deviation of the noise that the edge adds to each number of a feature; 0 without noise."""
        return self._quiet[1]

    def quiet_features(self, x: Array, batch_size: int = 256) -> Array:
        """Features of inputs without the edge's noise, `[batch, ...]`: what an attacker computes of a photo it has."""
        return _apply(self._quiet[0], x, batch_size)

    def part(self, x: Array) -> Array:
        """Which inputs' features are held at once: all, or of very many some, drawn from the seed, `[n]`."""
        shapes = x.shape[1:], self._pre.output_shape[1:]
        return sampled_rows(len(x), most_rows(*shapes), self.seed)

    def held_features(self, x: Array) -> Array:
        """Features of inputs, of very many those of a `part`."""
        return self.features(x[self.part(x)])

    def many_features(self, x: Array) -> Array:
        """Features of inputs to learn from, of a `part` of very many: several draws where the edge draws noise."""
        noisy = any(isinstance(layer, GaussianBottleneck) and layer.noisy for layer in self._pre.layers)
        x = x[self.part(x)]
        return np.concatenate([self.features(x) for _ in range(DRAWS if noisy else 1)])

    def answers(self, mixtures: Array, batch_size: int = 256) -> Array:
        """What the cloud computes from mixtures and sends back, `[batch, ...]`."""
        return _apply(self._main, mixtures, batch_size)

    def draw(self, x: Array, groups: int, seed: int | None = None, index: Array | None = None) -> list[MixedGroup]:
        """Mixes consecutive groups of examples, each with a key of its own.

        Args:
            x: Inputs `[n, ...]`.
            groups: Most groups.
            seed: Seed of the keys; default: the object's.
            index: Which inputs form the groups, `[groups * S_G]`; default: in their order.
        """
        size = self.group_size
        index = np.arange(len(x)) if index is None else np.asarray(index)
        groups = min(len(index) // size, groups)
        if not groups:
            return []
        index = index[: groups * size]
        features = self.features(x[index])
        keys = OrthogonalKeys(size, seed=self.seed if seed is None else seed)(features)
        keys = keras.ops.convert_to_numpy(keys)
        return [
            MixedGroup(
                index[start : start + size],
                features[start : start + size],
                keys[start // size],
                np.tensordot(keys[start // size], features[start : start + size], 1),
            )
            for start in range(0, groups * size, size)
        ]


def rotations(random: np.random.Generator, count: int, size: int) -> Array:
    """Uniformly random orthogonal matrices `[count, size, size]`."""
    drawn = ortho_group.rvs(size, max(count, 1), random_state=random)  # one too many where none is wanted
    return drawn.reshape(-1, size, size)[:count]


def mix(features: Array, random: np.random.Generator, size: int) -> tuple[Array, Array]:
    """Mixes features `[groups * size, ...]` with fresh keys; returns `(keys [groups, size, size], mixtures)`."""
    keys = rotations(random, len(features) // size, size).astype("float32")
    flat = features.reshape(len(keys), size, -1)
    return keys, np.matmul(keys, flat).reshape(features.shape)


def _apply(model: keras.Model, x: Array, batch_size: int) -> Array:
    parts = [
        keras.ops.convert_to_numpy(model(np.asarray(x[start : start + batch_size], "float32"), training=False))
        for start in range(0, len(x), batch_size)
    ]
    return np.concatenate(parts)
