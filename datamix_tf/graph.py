"""Reading the graph of a functional Keras model.

Keras has no public way to list the calls (nodes) that make up a model, and a layer that several models share knows the
calls of all of them. This module is the one place that touches those internals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from datamix_tf.typing import Node, Tensor


def calls(model: keras.Model, layer: keras.layers.Layer | None = None) -> list[Node]:
    """The calls (Keras nodes) of a functional or `Sequential` model, inputs included; with `layer`, those of it alone.

    Raises:
        ValueError: If the model has no graph (`as_functional`).
    """
    model = as_functional(model)
    nodes = [node for nodes in model._nodes_by_depth.values() for node in nodes]
    return [node for node in nodes if layer is None or node.operation is layer]


def function_of(call: Node) -> tuple[Callable[..., Any], list[Tensor]]:
    """What a call computes, as a function of the tensors that it was given, and these symbolic tensors."""
    tensors = list({id(tensor): tensor for tensor in call.input_tensors}.values())

    def run(*values: Any) -> Any:
        filled = {id(tensor): value for tensor, value in zip(tensors, values, strict=True)}
        arguments, options = call.arguments.fill_in(filled)
        return call.operation(*arguments, **options)

    return run, tensors


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


def as_functional(model: keras.Model) -> keras.Model:
    """A model as a functional one: itself, or the graph of a built `Sequential`.

    Raises:
        ValueError: If it is a subclassed model, which has no graph, or a `Sequential` that is not built yet.
    """
    if is_functional(model):
        return model
    if not isinstance(model, keras.Sequential):
        raise ValueError(
            "Expected a functional (or Sequential) Keras model; a subclassed model has no graph to cut or count. "
            f"Received: {model!r}. Rebuild it with keras.Model(inputs, outputs)."
        )
    if not model.built or not getattr(model, "inputs", None):
        raise ValueError(
            f"The Sequential model {model.name!r} is not built, so its shapes are not known: begin it with "
            "keras.Input(shape), or call its build(input_shape)."
        )
    return keras.Model(model.inputs, model.outputs, name=model.name)


def flattened(model: keras.Model) -> keras.Model:
    """A functional model with the layers of its nested models in their place; layers and weights are shared.

    A nested model that was called with `training` passes it on to its layers. Nested models without a graph, or with
    several inputs or outputs, stay as they are.

    Raises:
        ValueError: If two layers then have one name.
    """
    inputs = keras.Input(model.inputs[0].shape[1:], dtype=model.inputs[0].dtype)
    return keras.Model(inputs, run_flat(model, inputs), name=model.name)


def run_flat(model: keras.Model, tensor: Tensor) -> Tensor:
    """Applies the layers of a functional model and of its nested models, one by one, to another symbolic tensor.

    Args:
        model: A functional model with one input and one output; its layers are shared, not copied.
        tensor: What its input is replaced by.

    Returns:
        The symbolic output.
    """

    def call(layer: keras.layers.Layer, *arguments: Any, **options: Any) -> Tensor:
        if not _is_chain(layer):
            return layer(*arguments, **options)
        training = options.get("training")

        def inner(part: keras.layers.Layer, *given: Any, **more: Any) -> Tensor:
            if training is not None and getattr(part, "_call_has_training_arg", False):
                more["training"] = training
            return call(part, *given, **more)

        return run_on(_graph_of(layer), arguments[0], inner)

    return run_on(model, tensor, call)


def taken_apart(model: keras.Model) -> keras.Model:
    """A model whose layers, those of nested models too, forget that they were called in it.

    What calls them next is then their first call, whose result `layer.output` is. The model itself still runs and can
    be applied again (`run_flat`), but no longer be cut.
    """
    for call in calls(model):
        if _is_chain(call.operation):
            taken_apart(_graph_of(call.operation))
        call.operation._inbound_nodes.clear()
        call.operation._outbound_nodes.clear()
    return model


def _graph_of(layer: keras.layers.Layer) -> keras.Model:
    """The functional model that a chain is, or that Keras keeps in a `Sequential`, taken apart or not."""
    return layer if is_functional(layer) else layer._functional


def _is_chain(layer: keras.layers.Layer) -> bool:
    """Whether a layer is a model with a graph, one input and one output."""
    if not (is_functional(layer) or (isinstance(layer, keras.Sequential) and layer.built)):
        return False
    return len(layer.inputs) == 1 and len(layer.outputs) == 1


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
