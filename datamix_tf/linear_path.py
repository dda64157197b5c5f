"""A linear path beside the cloud's network: what mixing passes unchanged."""

from __future__ import annotations

import math

import keras

from datamix_tf.typing import Shape, Tensor


def with_linear_path(main: keras.Model, pool: int = 2) -> keras.Model:
    """Adds a linear map of what the cloud receives to its network's answers.

    Rows of a group that are mixed with an orthogonal key come back exactly only through linear maps: what a network
    that works on each row computes beyond that comes back as noise. With a linear path the network does not have to
    learn one. It has no bias: a constant would come back multiplied by the key's row sums.

    Args:
        main: M_main, a functional model of one input and one output; its layers and weights are used, not copied.
        pool: Side of the squares that maps are averaged over first, which keeps the linear map small; 1 for none.
            Vectors are taken as they are.

    Returns:
        A functional model of the same input and output shapes. The linear map has (numbers received / pool^2) x
        (numbers answered) weights and as many multiply-adds.

    Raises:
        ValueError: If `pool` is below 1 or larger than a side of the map.

    Example:

    >>> pre, main, post = split(model, after="block_2_add", before="predictions")
    >>> private = DataMixModel(pre, with_linear_path(main), post, group_size=8)
    """
    received, answers = main.inputs[0], main.outputs[0]
    linear = _mapped(received, answers.shape[1:], pool)
    return keras.Model(received, keras.layers.Add(name="linear_add")([answers, linear]), name=main.name)


def linear_map(received: Shape, answered: Shape, pool: int = 2) -> keras.Model:
    """A cloud that is the linear path alone, from tensors of one shape to those of another, both without the batch."""
    inputs = keras.Input(received)
    return keras.Model(inputs, _mapped(inputs, answered, pool), name="linear_main")


def _mapped(x: Tensor, answered: Shape, pool: int) -> Tensor:
    shape = [size for size in answered if size is not None]
    sides = x.shape[1:-1]
    if pool < 1 or any(side is not None and pool > side for side in sides):
        raise ValueError(f"Expected `pool` from 1 to the smallest side of the map, {sides}. Received: {pool}")
    if len(sides) == 2 and pool > 1:
        x = keras.layers.AveragePooling2D(pool, name="linear_pool")(x)
    x = keras.layers.Flatten(name="linear_flatten")(x)
    x = keras.layers.Dense(math.prod(shape), use_bias=False, name="linear_path")(x)
    return keras.layers.Reshape(shape, name="linear_reshape")(x) if len(shape) > 1 else x
