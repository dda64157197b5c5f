"""Mixing the members of a group with a key, and undoing it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from datamix_tf.groups import require_whole_groups, to_groups
from datamix_tf.typing import Shape, Tensor


def _check_keys(rows_shape: Shape, keys_shape: Shape) -> None:
    """Raises a ValueError if the keys cannot belong to these rows."""
    if len(keys_shape) != 3 or keys_shape[-1] is None or keys_shape[-1] != keys_shape[-2]:
        raise ValueError(
            "`keys` must have the shape [batch / group_size, group_size, group_size], one square matrix for each "
            f"group. Received: keys.shape={tuple(keys_shape)}"
        )
    groups, group_size, batch_size = keys_shape[0], keys_shape[-1], rows_shape[0]
    if groups is not None and batch_size is not None and groups * group_size != batch_size:
        raise ValueError(
            f"{groups} keys for groups of {group_size} fit a batch of {groups * group_size} rows. "
            f"Received: a batch of {batch_size} rows, keys.shape={tuple(keys_shape)}"
        )


class _GroupLinear(keras.layers.Layer):
    """Multiplies every group of rows with a matrix: the part that `Mix` and `DeMix` share."""

    transpose_keys = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True

    def build(self, inputs_shape: Shape, keys_shape: Shape | None = None) -> None:
        """Checks the shapes; there are no weights."""
        if keys_shape is not None:
            _check_keys(inputs_shape, keys_shape)

    def call(self, inputs: Tensor, keys: Tensor) -> Tensor:
        _check_keys(inputs.shape, keys.shape)
        keys = ops.cast(keys, inputs.dtype)
        if self.transpose_keys:
            keys = ops.transpose(keys, (0, 2, 1))
        rows = require_whole_groups(inputs, keys.shape[-1])
        mixed = ops.matmul(keys, to_groups(rows, keys.shape[-1]))
        return ops.reshape(mixed, ops.shape(inputs))

    def compute_output_spec(self, inputs: Tensor, keys: Tensor) -> keras.KerasTensor:
        _check_keys(inputs.shape, keys.shape)
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

    def compute_output_shape(self, inputs_shape: Shape, keys_shape: Shape | None = None) -> Shape:
        return inputs_shape


@keras.saving.register_keras_serializable(package="datamix_tf")
class Mix(_GroupLinear):
    """Mixes the features of each group with the group's key.

    Mixture `k` of a group is `sum_i keys[k, i] * features_i`, where groups are consecutive rows.

    Call arguments:
        inputs: Float tensor `[batch, ...]` of any rank; the key acts on the batch axis alone.
        keys: Tensor `[batch / group_size, group_size, group_size]`, for example from `OrthogonalKeys`. Any invertible
            matrices mix; `DeMix` undoes orthogonal ones.

    Output shape:
        Same as `inputs`.

    Raises:
        ValueError: If the keys are not square or do not fit the batch.

    Example:

    >>> keys = OrthogonalKeys(group_size=8)(features)
    >>> mixtures = Mix()(features, keys)

    Reference: DataMix (ECCV 2020), Eq. 4; FaceMix (CVPRW 2020), Eq. 4.
    """


@keras.saving.register_keras_serializable(package="datamix_tf")
class DeMix(_GroupLinear):
    """Undoes `Mix` with the same orthogonal keys, by their transposes.

    With `constant`, the de-mixed answers are `A^T (answers - constant) + constant`. If the constant is what the cloud
    answers to zero, this is exact for every affine cloud, where `A^T answers` is so for linear ones alone.

    Call arguments:
        inputs: Float tensor `[batch, ...]` of any rank, for example the cloud's answers to mixtures.
        keys: The keys that `Mix` was called with, `[batch / group_size, group_size, group_size]`.
        constant: Optional tensor `[1, ...]` or `[...]`, shaped like one of the rows.

    Output shape:
        Same as `inputs`.

    Raises:
        ValueError: If the keys are not square or do not fit the batch.

    Example:

    >>> DeMix()(Mix()(features, keys), keys)                # equals features, to rounding

    Reference: FaceMix (CVPRW 2020), Eq. 6, with B = A^-1 = A^T; docs/concepts/mixing.md for the constant.
    """

    transpose_keys = True

    def build(self, inputs_shape: Shape, keys_shape: Shape | None = None, constant_shape: Shape | None = None) -> None:
        """Checks the shapes; there are no weights."""
        super().build(inputs_shape, keys_shape)

    def call(self, inputs: Tensor, keys: Tensor, constant: Tensor | None = None) -> Tensor:
        if constant is None:
            return super().call(inputs, keys)
        constant = ops.cast(constant, inputs.dtype)
        return super().call(inputs - constant, keys) + constant

    def compute_output_spec(self, inputs: Tensor, keys: Tensor, constant: Tensor | None = None) -> keras.KerasTensor:
        return super().compute_output_spec(inputs, keys)

    def compute_output_shape(
        self, inputs_shape: Shape, keys_shape: Shape | None = None, constant_shape: Shape | None = None
    ) -> Shape:
        return inputs_shape
