"""Names for what signatures of this package speak of.

Keras and TensorFlow come without types, so a checker takes what is theirs for anything; these names tell a reader
what is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy.typing as npt

#: A tensor of Keras' backend or a symbolic one (`keras.KerasTensor`).
Tensor: TypeAlias = Any
#: A `tf.data.Dataset`.
Dataset: TypeAlias = Any
#: A call of a layer in a functional model's graph (a Keras node), see `datamix_tf.graph`.
Node: TypeAlias = Any
#: What Keras' random functions take: an int, a `keras.random.SeedGenerator`, or `None` for a seed of its own.
Seed: TypeAlias = Any

#: An array of any shape and dtype.
Array: TypeAlias = npt.NDArray[Any]
#: Numbers, one for each channel.
Numbers: TypeAlias = Array | Sequence[float]
#: A shape with the batch in front; `None` where a size is known only at run time.
Shape: TypeAlias = tuple[int | None, ...]
#: Zeros around a map: `((top, bottom), (left, right))`.
Padding: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
#: Inputs and labels, `(x, y)`, with the same number of rows.
Examples: TypeAlias = tuple[Array, Array]
#: What a layer is made of again, JSON-ready.
Config: TypeAlias = dict[str, Any]
