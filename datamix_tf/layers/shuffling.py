"""Inter-group shuffling: hiding which mixtures belong to one group."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from datamix_tf.layers.keys import EphemeralSeedGenerator
from datamix_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="datamix_tf")
class GroupShuffle(keras.layers.Layer):
    """Permutes the rows of a batch across its groups with a fresh random permutation.

    Like the mixing key, the permutation is a secret of the edge. It is drawn at every call and returned, so that
    `GroupUnshuffle` can undo it.

    Args:
        seed: Optional int that makes training repeatable; not part of `get_config()`.

    Call arguments:
        inputs: Tensor `[batch, ...]` of any rank.

    Returns:
        A pair: the shuffled rows, row `j` being `inputs[permutation[j]]`, and `permutation`, int32 `[batch]`.

    Example:

    >>> shuffled, permutation = GroupShuffle()(mixtures)
    >>> answers = GroupUnshuffle()(main(shuffled), permutation)

    Reference: DataMix (ECCV 2020), section 4.2, Inter-Group Shuffling; FaceMix (CVPRW 2020), section 3.5.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed_generator = EphemeralSeedGenerator(seed)
        self.built = True

    def call(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        # Sorting one random number per row: a permutation in every backend, for a batch size known only at run time.
        draws = keras.random.uniform((ops.shape(inputs)[0],), seed=self.seed_generator)
        permutation = ops.argsort(draws)
        return ops.take(inputs, permutation, axis=0), permutation

    def compute_output_spec(self, inputs: Tensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        shuffled = keras.KerasTensor(inputs.shape, dtype=inputs.dtype)
        return shuffled, keras.KerasTensor((inputs.shape[0],), dtype="int32")

    def compute_output_shape(self, input_shape: Shape) -> tuple[Shape, Shape]:
        return input_shape, (input_shape[0],)


@keras.saving.register_keras_serializable(package="datamix_tf")
class GroupUnshuffle(keras.layers.Layer):
    """Undoes `GroupShuffle`.

    Call arguments:
        inputs: Tensor `[batch, ...]`, rows in shuffled order, of any rank.
        permutation: Int tensor `[batch]` that `GroupShuffle` returned.

    Output shape:
        Same as `inputs`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True

    def build(self, inputs_shape: Shape, permutation_shape: Shape | None = None) -> None:
        """Has nothing to make: there are no weights."""

    def call(self, inputs: Tensor, permutation: Tensor) -> Tensor:
        return ops.take(inputs, ops.argsort(permutation), axis=0)

    def compute_output_spec(self, inputs: Tensor, permutation: Tensor) -> keras.KerasTensor:
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def compute_output_shape(self, inputs_shape: Shape, permutation_shape: Shape | None = None) -> Shape:
        return inputs_shape
