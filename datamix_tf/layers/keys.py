"""Mixing keys: random orthogonal matrices, one for each group."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from datamix_tf import replicas
from datamix_tf.groups import check_group_size, require_whole_groups
from datamix_tf.typing import Config, Seed, Shape, Tensor

#: What sums of decimal shares may be off by.
ROUNDING = 1e-9


class EphemeralSeedGenerator(keras.random.SeedGenerator):
    """A seed generator whose state is never written to a file: from the state one could compute future keys."""

    def save_own_variables(self, store: Any) -> None:
        """Saves nothing."""
        del store

    def load_own_variables(self, store: Any) -> None:
        """Loads nothing: the state stays as it was drawn."""
        del store


def haar_orthogonal(count: int | Tensor, size: int, seed: Seed = None, dtype: str = "float32") -> Tensor:
    """Draws orthogonal matrices from the Haar (uniform) distribution on O(size).

    The Q of a QR decomposition of a Gaussian matrix is uniform only after its columns are multiplied with the signs
    of R's diagonal, because QR routines fix those signs by convention.

    Args:
        count: Number of matrices (an int or a scalar tensor).
        size: Rows and columns of each matrix.
        seed: Int or `keras.random.SeedGenerator`.
        dtype: Float dtype; the decomposition itself runs in float32 or float64.

    Returns:
        Tensor `[count, size, size]`.

    Reference: Mezzadri, How to generate random matrices from the classical compact groups, Notices of the AMS 54
    (2007), section 5.
    """
    work_dtype = dtype if dtype == "float64" else "float32"
    gaussian = replicas.normal((count, size, size), dtype=work_dtype, seed=seed)
    q, r = ops.qr(gaussian)
    diagonal = ops.diagonal(r, axis1=-2, axis2=-1)
    signs = ops.where(diagonal < 0, -ops.ones_like(diagonal), ops.ones_like(diagonal))
    return ops.cast(q * ops.expand_dims(signs, axis=-2), dtype)


@keras.saving.register_keras_serializable(package="datamix_tf")
class OrthogonalKeys(keras.layers.Layer):
    """Draws a fresh random orthogonal mixing matrix for every group of a batch, at every call.

    The matrices are Haar distributed and carry no gradient (the papers sample the mixing coefficients from the
    orthogonal group, so that `A^T A = I` leaves the weight gradients unchanged: FaceMix, Eq. 7 to 9).

    These keys are for training and for measurements: they come from Keras's pseudo-random generator. Keys that
    protect somebody's data come from the operating system's generator, on the edge (`serving.edge`).

    Args:
        group_size: Number of inputs that are mixed with each other (the papers' S_G), an integer from 1. With 1 the
            key is a random sign.
        seed: Optional int that makes training repeatable. It is not part of `get_config()`, and the generator's state
            is not saved with a model: both would give keys away.

    Call arguments:
        features: Tensor `[batch, ...]`; only its batch size and dtype are used.

    Input shape:
        `(batch, ...)` with `batch` a multiple of `group_size`.

    Output shape:
        `(batch / group_size, group_size, group_size)`.

    Raises:
        ValueError: If `group_size` is not an integer of at least 1, or the batch is not a multiple of it.

    Example:

    >>> keys = OrthogonalKeys(group_size=8)(features)       # features [32, 16, 16, 64] -> keys [4, 8, 8]
    >>> mixtures = Mix()(features, keys)

    Reference: DataMix (ECCV 2020), section 4.2, Mixing-Aware Training; FaceMix (CVPRW 2020), section 3.4.
    """

    def __init__(self, group_size: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group_size = check_group_size(group_size)
        self.seed_generator = EphemeralSeedGenerator(seed)
        self.built = True

    def call(self, features: Tensor) -> Tensor:
        features = require_whole_groups(features, self.group_size)
        count = ops.shape(features)[0] // self.group_size
        keys = haar_orthogonal(count, self.group_size, seed=self.seed_generator, dtype=self.compute_dtype)
        return ops.stop_gradient(keys)

    def compute_output_spec(self, features: Tensor) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(features.shape), dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        groups = None if input_shape[0] is None else input_shape[0] // self.group_size
        return (groups, self.group_size, self.group_size)

    def get_config(self) -> Config:
        return {**super().get_config(), "group_size": self.group_size}


@keras.saving.register_keras_serializable(package="datamix_tf")
class ConvexKeys(keras.layers.Layer):
    """Draws for every pair of inputs two pairs of convex coefficients.

    Without a gap each has one input in front: the rows of a key are `[a, 1 - a]` and `[1 - b, b]` with `a` and `b`
    uniform in `[low, high]`, so that mixture `k` shows mostly input `k` and the system can be solved: its determinant
    is `a + b - 1`. With a gap both rows begin with the first input's share, as in the paper's example: `[a, 1 - a]` and
    `[b, 1 - b]` with `a` and `b` in `[low, high]`, at least the gap apart, either the larger one; the determinant is
    `a - b`. For measurements, as `OrthogonalKeys`.

    Args:
        low: Least share: above 0.5, or with a gap at least 0.
        high: Largest share, at most 1.
        gap: Least difference of the first input's two shares; 0 puts another input in front of each mixture.
        seed: Optional int that makes the keys repeatable; not part of `get_config()`.

    Call arguments:
        features: Tensor `[batch, ...]` with an even batch; only its batch size and dtype are used.

    Output shape:
        `(batch / 2, 2, 2)`.

    Raises:
        ValueError: If not `0.5 < low <= high <= 1`, or with a gap not `0 <= low` and `low + gap <= high <= 1`; or if
            the batch is odd.

    Example:

    >>> keys = ConvexKeys(low=0.6, high=0.7, gap=0.1)       # the paper's 0.7, 0.3 and 0.6, 0.4, in either order

    Reference: DataMix (ECCV 2020), section 3, whose example has the coefficients 0.7, 0.3 and 0.6, 0.4.
    """

    group_size = 2

    def __init__(
        self, low: float = 0.55, high: float = 0.95, seed: int | None = None, gap: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if gap < 0 or (not gap and not 0.5 < low <= high <= 1):
            raise ValueError(
                f"Expected 0.5 < low <= high <= 1 and a gap of at least 0. Received: {low=}, {high=}, {gap=}"
            )
        if gap and not (low >= 0 and low + gap <= high + ROUNDING and high <= 1):
            raise ValueError(f"Expected 0 <= low and low + gap <= high <= 1. Received: {low=}, {high=}, {gap=}")
        self.low, self.high, self.gap = low, high, gap
        self.seed_generator = EphemeralSeedGenerator(seed)
        self.built = True

    def call(self, features: Tensor) -> Tensor:
        features = require_whole_groups(features, self.group_size)
        pairs = ops.shape(features)[0] // 2
        share = self._uniform((pairs, 2), self.low, max(self.low, self.high - self.gap))
        first, second = share[:, 0], share[:, 1]
        if self.gap:
            smaller, larger = ops.minimum(first, second), ops.maximum(first, second) + self.gap
            swapped = self._uniform((pairs,), 0.0, 1.0) < 0.5
            first, second = ops.where(swapped, smaller, larger), ops.where(swapped, larger, smaller)
            return ops.stack([ops.stack([first, 1 - first], -1), ops.stack([second, 1 - second], -1)], 1)
        return ops.stack([ops.stack([first, 1 - first], -1), ops.stack([1 - second, second], -1)], 1)

    def compute_output_spec(self, features: Tensor) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(features.shape), dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (None if input_shape[0] is None else input_shape[0] // 2, 2, 2)

    def _uniform(self, shape: tuple[Any, ...], low: float, high: float) -> Tensor:
        return replicas.uniform(shape, minval=low, maxval=high, dtype=self.compute_dtype, seed=self.seed_generator)

    def get_config(self) -> Config:
        return {**super().get_config(), "low": self.low, "high": self.high, "gap": self.gap}
