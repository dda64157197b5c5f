"""Rebuilding inputs from features by ridge regression: what a cloud can fit in seconds, without training a network."""

from __future__ import annotations

import numpy as np

from datamix_tf.typing import Array

MOST_EXAMPLES, MOST_NUMBERS = 1000, 40_000_000
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


class LinearDecoder:
    """Ridge regression from features to inputs, solved in as many dimensions as there are examples.

    The strength of the penalty is the one of `STRENGTHS` (shares of the mean square of a feature) whose predictions of
    left-out examples are best.

    Args:
        seed: Seed of the choice of examples where there are very many.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.features = self.weights = self.centre = self.mean = np.zeros(())

    def fit(self, features: Array, x: Array) -> LinearDecoder:
        """Learns from features `[n, ...]` and their inputs `[n, ...]`, of the attacker's own examples."""
        chosen = self._chosen(features, x)
        self.shape = np.shape(x)[1:]
        known, wanted = (np.asarray(part[chosen], "float32").reshape(len(chosen), -1) for part in (features, x))
        self.centre, self.mean = known.mean(0), wanted.mean(0)
        self.features, wanted = known - self.centre, wanted - self.mean
        products = (self.features @ self.features.T).astype("float64")
        for axis in (0, 1):  # exactly centred: in float32 the features are so but nearly
            products -= products.mean(axis, keepdims=True)
        values, vectors = np.linalg.eigh(products)
        turned = vectors.T.astype("float32") @ wanted
        best = np.inf
        for strength in STRENGTHS:
            penalty = strength * max(float(values.mean()), 1e-12)
            inverse = 1 / (np.maximum(values, 0) + penalty)
            weights = (vectors * inverse).astype("float32") @ turned
            # Less the part of the mean, which no penalty holds: else weak penalties would seem better than they are.
            freedom = np.square(vectors) @ inverse - 1 / (len(values) * penalty)
            left_out = np.square(weights / freedom[:, None].astype("float32")).mean()
            if left_out < best:
                best, self.weights = left_out, weights
        return self

    def decode(self, features: Array) -> Array:
        """Inputs rebuilt from features `[n, ...]`, float32 in the units of the inputs."""
        flat = np.asarray(features, "float32").reshape(len(features), -1) - self.centre
        return (flat @ self.features.T @ self.weights + self.mean).reshape(-1, *self.shape)

    def _chosen(self, features: Array, x: Array) -> Array:
        numbers = int(np.prod(np.shape(features)[1:])) + int(np.prod(np.shape(x)[1:]))
        most = max(2, min(len(x), MOST_EXAMPLES, MOST_NUMBERS // numbers))
        return np.sort(np.random.default_rng(self.seed).choice(len(x), most, replace=False))
