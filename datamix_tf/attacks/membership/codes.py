"""Features as white codes: coordinates in which mixtures without a candidate look like N(0, I)."""

from __future__ import annotations

import keras
import numpy as np

from datamix_tf.attacks.linked.mixed_groups import MixedGroups
from datamix_tf.certificate import clipped, draw_group
from datamix_tf.layers.gaussian_bottleneck import looks_like_noise
from datamix_tf.typing import Array

SAMPLES = 2048  # the attacker's inputs that the whitening is estimated from
COMPONENTS = 512  # most numbers of a code
PER_COMPONENT = 4  # inputs for each number: sample moments are then off by less than a factor of about 2
SMALLEST = 1e-6  # share of the largest eigenvalue below which a component is taken for rounding


class WhiteCodes:
    """Turns the features of a model into codes with the second moment I.

    A mixture is a combination of features with random signs, so its mean is 0 and its second moment that of the
    features, not less their mean: this moment is made the identity. Of maps, which have more numbers than the attacker
    has inputs, the principal components are kept that the inputs can tell: a quarter as many as inputs, at most
    `COMPONENTS`. An inner product of two codes is then m'C^-1 z in these components. Whitening is linear, so codes may
    be mixed in place of features.

    Args:
        model: A `DataMixModel`.

    Attributes:
        group_size: S_G.
        noise: Variance of the edge's noise in each number of a code, `[k]`; zeros without noise. Set by `fit`.
        draws_covers: Whether each group hides one input among covers that are drawn (`datamix_tf.certificate`).
    """

    def __init__(self, model: keras.Model) -> None:
        self.drawn = MixedGroups(model)
        self.group_size = self.drawn.group_size
        self.draws_covers = looks_like_noise(model.pre)
        self.basis: Array = np.zeros((0, 0))
        self.noise: Array = np.zeros(0)

    def fit(self, x: Array) -> None:
        """Estimates the moment from inputs `[n, ...]`, at least `PER_COMPONENT` of them."""
        features = self._features(x[:SAMPLES])
        count, numbers = features.shape
        if numbers <= count:
            values, vectors = np.linalg.eigh(features.T @ features / count)
        else:  # the same vectors, from the smaller matrix
            values, rows = np.linalg.eigh(features @ features.T / count)
            vectors = features.T @ rows / np.sqrt(np.maximum(count * values, 1e-300))
        kept = max(1, min(numbers, count // PER_COMPONENT, COMPONENTS))
        values, vectors = values[::-1][:kept], vectors[:, ::-1][:, :kept]
        real = values > SMALLEST * values[0]
        real[0] = True
        moment = np.maximum(values[real], 1e-300) + self.drawn.noise**2
        self.basis = vectors[:, real] / np.sqrt(moment)
        self.noise = self.drawn.noise**2 / moment

    def of(self, x: Array) -> Array:
        """Codes of inputs, without the edge's noise, float64 `[n, k]`."""
        parts = [self._features(x[start : start + 256]) @ self.basis for start in range(0, len(x), 256)]
        return np.concatenate(parts)

    def sent(self, codes: Array, random: np.random.Generator) -> Array:
        """Codes `[..., k]` with the edge's noise."""
        return codes + np.sqrt(self.noise) * random.standard_normal(codes.shape)

    def hidden(self, x: Array, random: np.random.Generator) -> Array:
        """Groups of one input and drawn covers each, `[n, S_G, k]`, of inputs `[n, ...]`, where covers are drawn."""
        features = self._features(x)
        codes = clipped(features + self.drawn.noise * random.standard_normal(features.shape))
        return draw_group(codes, self.group_size, random) @ self.basis

    def _features(self, x: Array) -> Array:
        return self.drawn.quiet_features(x).reshape(len(x), -1).astype(np.float64)
