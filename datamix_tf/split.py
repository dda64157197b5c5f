"""Cutting a functional Keras model into pre (edge), main (cloud) and post (edge)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import keras

from datamix_tf.graph import ancestors, as_functional, calls, flattened, inputs_of, producer
from datamix_tf.typing import Node, Tensor

_MAX_SUGGESTIONS = 12


def split(model: keras.Model, after: str, before: str) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Cuts a functional model into M_pre, M_main and M_post by layer names.

    The parts share the model's layers and weights: training a part trains the model. A cut may lie anywhere in a
    residual or branched graph where a single tensor carries everything across.

    Args:
        model: A built functional (or `Sequential`) Keras model with one input and one output tensor.
        after: Name of the last layer of pre; its output is what the edge mixes and sends. It may be a layer of a nested
            model, such as the base of transfer learning; the parts are then made of its layers.
        before: Name of the first layer of post, likewise; its input is what the cloud answers with.

    Returns:
        Three functional models `(pre, main, post)` with `post(main(pre(x))) == model(x)`.

    Raises:
        ValueError: If the model has no graph or is not built, a name is unknown, a cut is not a single tensor (the
            message names the layers that go round it and cuts that are possible), or nothing is left for main.

    Example:

    >>> model = keras.applications.MobileNetV2(weights=None, classes=10)
    >>> pre, main, post = split(model, after="block_2_add", before="predictions")

    Reference: DataMix (ECCV 2020), Eq. 2.
    """
    model = _checked(model)
    if any(_inside(model, name) for name in (after, before)):
        model = _flattened(model)
    sent = _single(_call(model, after, "after").outputs, f"the output of after={after!r}")
    answered = _single(_call(model, before, "before").input_tensors, f"the input of before={before!r}")
    if sent is answered:
        raise ValueError(
            f"Nothing is left for the cloud between after={after!r} and before={before!r}: the input of "
            f"{before!r} is the output of {after!r}. Choose an earlier `after` or a later `before`."
        )
    _check_cut(model, sent, f"after={after!r}")
    _check_cut(model, answered, f"before={before!r}")
    if id(sent) not in ancestors(answered):
        raise ValueError(
            f"before={before!r} does not come after after={after!r}: {before!r} does not use the output of {after!r}. "
            "Exchange the two, or choose a later `before`."
        )
    return (
        keras.Model(model.inputs[0], sent, name=f"{model.name}_pre"),
        keras.Model(sent, answered, name=f"{model.name}_main"),
        keras.Model(answered, model.outputs[0], name=f"{model.name}_post"),
    )


def possible_cuts(model: keras.Model) -> list[str]:
    """Names of the layers after which a model can be cut in one tensor, in the order of the graph.

    Layers of nested models come first, where they can be cuts.

    Raises:
        ValueError: If the model has no graph, or several inputs or outputs.
    """
    model = _checked(model)
    nested = []
    if any(isinstance(layer, keras.Model) for layer in model.layers):
        with contextlib.suppress(ValueError):
            nested = _cuts(_flattened(model))
    own = _cuts(model)
    return [name for name in nested if name not in own] + own


def _cuts(model: keras.Model) -> list[str]:
    cuts = []
    for layer in model.layers:
        places = calls(model, layer)
        if len(places) != 1 or len(places[0].outputs) != 1:
            continue
        tensor = places[0].outputs[0]
        if tensor is not model.inputs[0] and tensor is not model.outputs[0] and not _bypassing(model, tensor):
            cuts.append(layer.name)
    return cuts


def _checked(model: keras.Model) -> keras.Model:
    """The functional model to cut."""
    model = as_functional(model)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            "`split` expects a model with one input and one output tensor. Received: "
            f"{len(model.inputs)} inputs and {len(model.outputs)} outputs in model {model.name!r}."
        )
    return model


def _inside(model: keras.Model, name: str) -> bool:
    """Whether a name is that of a layer in a nested model alone."""
    if any(layer.name == name for layer in model.layers):
        return False
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return any(layer.name == name for outer in nested for layer in outer.layers) or any(
        _inside(outer, name) for outer in nested
    )


def _flattened(model: keras.Model) -> keras.Model:
    try:
        return flattened(model)
    except ValueError as error:
        raise ValueError(
            f"Model {model.name!r} has nested models whose layers cannot stand beside its own: {error} Rename layers, "
            "or split the nested model."
        ) from error


def _call(model: keras.Model, name: str, argument: str) -> Node:
    """The one call of the layer `name` in the model's graph."""
    names = [layer.name for layer in model.layers]
    if name not in names:
        raise ValueError(f"Model {model.name!r} has no layer named {argument}={name!r}. Its layers: {_listing(names)}")
    places = calls(model, model.get_layer(name))
    if len(places) > 1:
        raise ValueError(
            f"Layer {argument}={name!r} is used {len(places)} times in model {model.name!r}, so its name "
            "does not name one place. Cut at a layer that is used once."
        )
    return places[0]


def _single(tensors: Sequence[Tensor], what: str) -> Tensor:
    if len(tensors) != 1:
        producers = [producer(tensor).name for tensor in tensors]
        raise ValueError(
            f"A cut must be a single tensor, but {what} is {len(tensors)} tensors (from {_listing(producers)}). "
            "Cut where the branches have joined."
        )
    return tensors[0]


def _bypassing(model: keras.Model, cut: Tensor) -> list[str]:
    """Names of the layers behind the cut that also use a tensor from in front of it."""
    before_cut = ancestors(cut)
    behind = {key: tensor for key, tensor in ancestors(model.outputs[0], stop=cut).items() if key not in before_cut}
    names = set()
    for tensor in behind.values():
        if any(id(used) in before_cut and used is not cut for used in inputs_of(tensor)):
            names.add(producer(tensor).name)
    return sorted(names)


def _check_cut(model: keras.Model, cut: Tensor, what: str) -> None:
    if id(cut) not in ancestors(model.outputs[0]):
        raise ValueError(f"The model's output does not use the tensor at {what}; it cannot be a cut.")
    round_it = _bypassing(model, cut)
    if round_it:
        raise ValueError(
            f"The cut at {what} is not a single tensor: {_listing(round_it)} also use what is computed in front of "
            f"it (a residual connection or a branch goes round the cut). Possible cuts are after: "
            f"{_listing(possible_cuts(model))}"
        )


def _listing(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_MAX_SUGGESTIONS])
    return shown + (f", ... ({len(names)} in all)" if len(names) > _MAX_SUGGESTIONS else "")
