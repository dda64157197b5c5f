"""Keeping of a feature only what the server's first linear layer can see: the edge's half and the server's."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from datamix_tf.layers.obfuscation import Obfuscation
from datamix_tf.typing import Config, Shape, Tensor


class _OnFields(keras.layers.Layer):
    """What both halves share: where they look (the whole feature, or a window that moves over a map), and the basis.

    Args:
        feature_shape: Shape of the feature without the batch.
        rank: Number of coefficients for each place, m'.
        size: Rows and columns of the receptive field; `None` for the feature as a whole.
        strides: Steps between fields.
        padding: Zeros around the map: `((top, bottom), (left, right))`.
    """

    def _set_fields(
        self,
        feature_shape: Sequence[int],
        rank: int,
        size: tuple[int, int] | None,
        strides: Sequence[int],
        padding: Sequence[Sequence[int]],
    ) -> None:
        self.feature_shape, self.rank = tuple(feature_shape), rank
        self.size, self.strides = size and tuple(size), tuple(strides)
        self.padding = tuple(tuple(pair) for pair in padding)
        values = math.prod(self.feature_shape) if size is None else math.prod(size) * self.feature_shape[-1]
        if not 1 <= rank <= values:
            raise ValueError(f"`rank` must be from 1 to the {values} numbers of a field. Received: {rank}")
        self.basis = self.add_weight(name="basis", shape=(values, rank), initializer="zeros", trainable=False)

    @property
    def places(self) -> tuple[int, ...]:
        """Rows and columns of the map of coefficients; empty for a feature as a whole."""
        if self.size is None:
            return ()
        padded = [self.feature_shape[axis] + sum(self.padding[axis]) for axis in (0, 1)]
        return tuple((padded[axis] - self.size[axis]) // self.strides[axis] + 1 for axis in (0, 1))

    def get_config(self) -> Config:
        fields = {"size": self.size, "strides": self.strides, "padding": self.padding}
        return {**super().get_config(), "feature_shape": self.feature_shape, "rank": self.rank, **fields}


@keras.saving.register_keras_serializable(package="datamix_tf")
class SignalContent(_OnFields, Obfuscation):
    """The edge's half: the coefficients of a feature's signal content, `alpha_k = v_k . z`.

    `v_k` are right singular vectors of the server's first linear layer, those of the largest singular values first. For
    a convolution they are vectors over its receptive field, and the coefficients are a convolution too.
    `datamix_tf.obfuscation.signal.obfuscate` makes both halves from a server and sets their weights.

    Args:
        feature_shape: Shape of the feature z without the batch.
        rank: Coefficients that are kept at each place, m'.
        size: Rows and columns of the receptive field; `None` (default) takes the feature as one vector.
        strides: Steps between receptive fields.
        padding: Zeros around the map: `((top, bottom), (left, right))`.
        distortion: Budget epsilon of Theorem 1 for ||W z - W z'|| at each place: coefficients are set to zero from the
            last on, each for each example, as far as it allows, and the next one is drawn towards zero (gamma in
            Eq. 8). 0 keeps them.

    Call arguments:
        inputs: `[batch, *feature_shape]`, floating point.

    Returns:
        `[batch, rank]`, or `[batch, rows, columns, rank]` for receptive fields.

    Raises:
        ValueError: If `rank` is not from 1 to the numbers of a field, or `distortion` is negative.

    Reference: Samragh et al., Unsupervised Information Obfuscation (2021), Definition 2 and Theorem 1.
    """

    def __init__(
        self,
        feature_shape: Sequence[int],
        rank: int,
        size: tuple[int, int] | None = None,
        strides: Sequence[int] = (1, 1),
        padding: Sequence[Sequence[int]] = ((0, 0), (0, 0)),
        distortion: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if distortion < 0:
            raise ValueError(f"`distortion` must be at least 0. Received: {distortion}")
        self._set_fields(feature_shape, rank, size, strides, padding)
        self.distortion = distortion
        self.singular_values = self.add_weight(
            name="singular_values", shape=(rank,), initializer="ones", trainable=False
        )
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        basis = ops.cast(self.basis, inputs.dtype)
        if self.size is None:
            coefficients = ops.matmul(ops.reshape(inputs, (-1, basis.shape[0])), basis)
        else:
            padded = ops.pad(inputs, ((0, 0), *self.padding, (0, 0))) if any(map(any, self.padding)) else inputs
            kernel = ops.reshape(basis, (*self.size, self.feature_shape[-1], self.rank))
            coefficients = ops.conv(padded, kernel, self.strides, "valid", data_format="channels_last")
        if not self.distortion:
            return coefficients
        return bounded(coefficients, ops.cast(self.singular_values, inputs.dtype), self.distortion)

    @property
    def macs_per_output_value(self) -> int:
        """Multiply-adds behind each coefficient, for `datamix_tf.costs`."""
        return self.basis.shape[0]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.places, self.rank)

    def get_config(self) -> Config:
        return {**super().get_config(), "distortion": self.distortion}


@keras.saving.register_keras_serializable(package="datamix_tf")
class SignalRebuild(_OnFields):
    """The server's half: `z' = sum_k alpha_k v_k`, from the coefficients that a `SignalContent` sends.

    Args:
        feature_shape: As of the `SignalContent`, and so are the others.
        rank: Coefficients for each place.
        size: Rows and columns of a receptive field; `None` takes the whole feature.
        strides: Steps between fields.
        padding: Rows and columns that are added at each side.

    Call arguments:
        inputs: `[batch, rank]`, or `[batch, rows, columns, rank]` for receptive fields.

    Returns:
        `[batch, *feature_shape]`; for receptive fields every rebuilt field, `[batch, rows, columns, values]`, since
        those of neighbours need not agree where they overlap.

    Reference: Samragh et al., Unsupervised Information Obfuscation (2021), section 4.3.
    """

    def __init__(
        self,
        feature_shape: Sequence[int],
        rank: int,
        size: tuple[int, int] | None = None,
        strides: Sequence[int] = (1, 1),
        padding: Sequence[Sequence[int]] = ((0, 0), (0, 0)),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set_fields(feature_shape, rank, size, strides, padding)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        rebuilt = ops.matmul(inputs, ops.transpose(ops.cast(self.basis, inputs.dtype)))
        return ops.reshape(rebuilt, (-1, *self.feature_shape)) if self.size is None else rebuilt

    @property
    def macs_per_output_value(self) -> int:
        """Multiply-adds behind each number of the output, for `datamix_tf.costs`."""
        return self.rank

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        rebuilt = self.feature_shape if self.size is None else (*self.places, self.basis.shape[0])
        return (input_shape[0], *rebuilt)


@keras.saving.register_keras_serializable(package="datamix_tf")
class OnFields(keras.layers.Layer):
    """A server's convolution, computed on receptive fields instead of the map that they come from.

    Args:
        layer: A built `keras.layers.Conv2D`; its weights are used, not copied.
        size: Rows and columns of the fields, at least those of the kernel.
        offset: Row and column of the kernel in the field.

    Call arguments:
        inputs: `[batch, rows, columns, size[0] * size[1] * channels]`.

    Returns:
        `[batch, rows, columns, filters]`, the convolution's output.
    """

    def __init__(
        self, layer: keras.layers.Layer, size: Sequence[int], offset: Sequence[int] = (0, 0), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.layer, self.size, self.offset = layer, tuple(size), tuple(offset)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        kernel = ops.cast(self.layer.kernel, inputs.dtype)
        around = [
            (start, total - start - length)
            for start, total, length in zip(self.offset, self.size, kernel.shape[:2], strict=True)
        ]
        whole = ops.pad(kernel, (*around, (0, 0), (0, 0))) if any(map(any, around)) else kernel
        outputs = ops.matmul(inputs, ops.reshape(whole, (-1, kernel.shape[-1])))
        if self.layer.use_bias:
            outputs = outputs + ops.cast(self.layer.bias, inputs.dtype)
        return self.layer.activation(outputs)

    @property
    def macs_per_output_value(self) -> int:
        """Multiply-adds behind each number of the output, for `datamix_tf.costs`."""
        return math.prod(self.layer.kernel.shape[:-1])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.layer.filters)

    def get_config(self) -> Config:
        layer = keras.saving.serialize_keras_object(self.layer)  # with its input shape, so that it comes back built
        return {**super().get_config(), "layer": layer, "size": self.size, "offset": self.offset}

    @classmethod
    def from_config(cls, config: Config) -> OnFields:
        layer = keras.saving.deserialize_keras_object(copy.deepcopy(config["layer"]))  # Keras takes it apart
        return cls(**{**config, "layer": layer})


def bounded(coefficients: Tensor, singular_values: Tensor, distortion: float) -> Tensor:
    """The solution of Theorem 1: the coefficients that are left when a distortion is allowed.

    Args:
        coefficients: `[..., m]`, sorted by falling singular values.
        singular_values: `[m]`.
        distortion: The budget epsilon, above 0.

    Returns:
        `[..., m]`, Eq. 8.
    """
    energy = ops.square(coefficients * singular_values)
    tail = ops.flip(ops.cumsum(ops.flip(energy, -1), -1), -1)  # eps_{k-1}^2: all from k on
    after = tail - energy  # eps_k^2: all behind k
    budget = distortion**2
    gamma = ops.sqrt(ops.maximum(budget - after, 0)) / ops.maximum(singular_values, keras.config.epsilon())
    drawn = coefficients - ops.sign(coefficients) * gamma
    zero = ops.zeros_like(coefficients)
    return ops.where(after > budget, coefficients, ops.where(tail > budget, drawn, zero))
