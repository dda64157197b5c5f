"""Reading the graph of a functional Keras model.

Keras has no public way to list the calls (nodes) that make up a model, and a layer that several models share knows the
calls of all of them. This module is the one place that touches those internals.
"""

from __future__ import annotations

from collections.abc import Callable

import keras

from datamix_tf.typing import Node, Tensor


def calls(model: keras.Model, layer: keras.layers.Layer | None = None) -> list[Node]:
    """The calls (Keras nodes) of a functional model, inputs included; with `layer`, those of that layer alone."""
    nodes = [node for nodes in model._nodes_by_depth.values() for node in nodes]
    return [node for node in nodes if layer is None or node.operation is layer]


def producer(tensor: Tensor) -> keras.Operation:
    """The layer or operation that made a symbolic tensor."""
    return tensor._keras_history.operation


def inputs_of(tensor: Tensor) -> list[Tensor]:
    """The symbolic tensors that the call behind `tensor` was given."""
    operation, node_index, _ = tensor._keras_history
    return operation._inbound_nodes[node_index].input_tensors


def ancestors(tensor: Tensor, stop: Tensor | None = None) -> dict[int, Tensor]:
    """All tensors that `tensor` is computed from, itself included, by id; the walk does not pass `stop`."""
    seen, stack = {}, [tensor]
    while stack:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen[id(current)] = current
        if current is not stop:
            stack.extend(inputs_of(current))
    return seen


def is_functional(model: keras.Model) -> bool:
    """Whether the model has a graph to read."""
    return isinstance(model, keras.Model) and hasattr(model, "_nodes_by_depth")


def run_on(model: keras.Model, tensor: Tensor, call: Callable[..., Tensor] | None = None) -> Tensor:
    """Applies the layers of a functional model (shared, not copied) to another symbolic tensor.

    Args:
        model: A functional model with one input and one output.
        tensor: What its input is replaced by.
        call: Optional function `(layer, *arguments, **options)` that is called in the place of each layer.

    Returns:
        The symbolic output.
    """
    call = call or (lambda layer, *arguments, **options: layer(*arguments, **options))
    outputs = model._run_through_graph([tensor], operation_fn=lambda layer: layer, call_fn=call)
    return keras.tree.flatten(outputs)[0]
