"""A user's own Keras model as a backbone: flat, with its own preprocessing, and logits for the task at hand."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
from keras import layers

from datamix_tf.graph import as_functional, inputs_of, producer, run_flat, taken_apart
from datamix_tf.models.backbones import RAW, STANDARDIZED, UNIT, Backbone
from datamix_tf.typing import Tensor

#: Layers of ours in front of the model's; named so that they are not taken for its own.
STANDARDIZE, RESTORE = "input_standardized", "input_restored"
#: Statistics of batch normalisations follow at least as fast: a fine-tuning is short, mixtures differ from features.
MOMENTUM = 0.9
CLASSIFIER = "predictions"
PROBABILITIES = ("softmax", "sigmoid")
#: What may stand between a classifier and the output.
BEHIND = (layers.Flatten, layers.Reshape, layers.Dropout, layers.Identity, layers.GlobalAveragePooling2D)


@dataclasses.dataclass(frozen=True)
class Adapted:
    """A user's model as a network of the task.

    Attributes:
        network: A functional model without nested ones: raw inputs `[batch, height, width, channels]` -> logits.
        classifier: Name of its classifier, where M_post begins unless the user says otherwise.
        notes: What was changed, a clause each.
    """

    network: keras.Model
    classifier: str
    notes: tuple[str, ...]


def own_backbone(load: Callable[[], keras.Model], cuts: Sequence[str], before: str = "", values: str = RAW) -> Backbone:
    """A user's model as a backbone.

    Args:
        load: Gives a new copy of the model, with its weights.
        cuts: Names of the last layer on the edge for N_pre = 1, 2, ...; in nested models, too. At N_pre = 0 inputs are
            mixed as they come, standardised.
        before: Name of M_post's first layer; empty for the classifier.
        values: What the model takes: see `adapted`.
    """

    def build(shape: Sequence[int], outputs: int, *, width: int, hidden_units: int, **more: Any) -> keras.Model:
        del width, hidden_units  # the model's own
        return adapted(load(), shape, outputs, values=values, **more).network

    def post_layer(network: keras.Model) -> str:
        return before or classifier_of(network)

    return Backbone(build, lambda: (STANDARDIZE, *cuts), post_layer)


def adapted(
    model: keras.Model,
    shape: Sequence[int],
    outputs: int,
    *,
    values: str = RAW,
    normalization: keras.layers.Normalization | None = None,
    obfuscation: keras.layers.Layer | None = None,
    raw_cut: bool = False,
) -> Adapted:
    """Makes a network of the task of a user's model; its layers and weights are used, not copied.

    Nested models are replaced by their layers, all of which are trained and called as in a training (a base that was
    called with `training=False` is fine-tuned, too). Inputs are brought to what the model takes by layers in front,
    probabilities become logits, and a classifier with another number of outputs is replaced by a new one of its name.

    Args:
        model: A functional or built `Sequential` model of pictures, `[batch, height, width, channels] -> [batch, ...]`.
        shape: Of the inputs as they are stored, `(height, width, channels)`; resized if the model takes another size,
            one channel repeated if it takes three.
        outputs: Number of logits.
        values: What the model takes: `"raw"`, inputs as they are stored (pictures: 0 to 255); `"unit"`, a 255th of
            that; `"standardized"`, with mean 0 and variance 1 in each channel of the train split.
        normalization: With the train split's statistics; needed for `"standardized"`, an obfuscation and a raw cut.
        obfuscation: Optional layer in front of everything, which takes and gives standardised inputs.
        raw_cut: Whether there is to be a layer `STANDARDIZE`, behind which raw inputs can be mixed.

    Raises:
        ValueError: If the model cannot be used so; the message says why.
    """
    model, notes = _checked(model), []
    _rename_twins(model)
    notes += _made_trainable(model)
    inputs = keras.Input(shape, name="input")
    x = _values_for(inputs, values, normalization, obfuscation, raw_cut)
    x, converted = _sized_for(x, model.inputs[0].shape[1:])
    output = run_flat(taken_apart(model), x)
    logits, classifier, changed = _logits(output, outputs)
    return Adapted(keras.Model(inputs, logits, name=model.name), classifier, (*notes, *converted, *changed))


def classifier_of(network: keras.Model) -> str:
    """Name of the classifier of an adapted network: the last layer with a kernel, two logits for each label or not."""
    found = _classifier_behind(network.outputs[0])
    return producer(network.outputs[0]).name if found is None else producer(found).name


def declared_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Shape of the inputs that a user's model declares, without the batch. Raises ValueError as `adapted`."""
    return tuple(_checked(model).inputs[0].shape[1:])


def _checked(model: keras.Model) -> keras.Model:
    model = as_functional(model)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            f"Expected a model with one input and one output. Received: {len(model.inputs)} inputs and "
            f"{len(model.outputs)} outputs in model {model.name!r}."
        )
    shape = tuple(model.inputs[0].shape)
    if len(shape) != 4 or shape[-1] not in (1, 3):
        raise ValueError(
            "Expected a model of pictures, [batch, height, width, channels] with 1 or 3 channels. Received: model "
            f"{model.name!r} with input shape {shape}."
        )
    return model


def _all_layers(model: keras.Model) -> Iterator[tuple[str, keras.layers.Layer]]:
    """The layers of a model and of its nested ones, with the name of the nested model; each once."""
    seen: set[int] = set()

    def visit(outer: keras.Model, name: str) -> Iterator[tuple[str, keras.layers.Layer]]:
        for layer in outer.layers:
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            if isinstance(layer, keras.Model):
                yield from visit(layer, layer.name)
            else:
                yield name, layer

    return visit(model, "")


def _rename_twins(model: keras.Model) -> None:
    """Puts the nested model's name in front of names that several models have."""
    found = list(_all_layers(model))
    times = Counter(layer.name for _, layer in found)
    taken = set(times)
    for outer, layer in found:
        if times[layer.name] > 1 and outer and not isinstance(layer, layers.InputLayer):
            name = f"{outer}_{layer.name}"
            while name in taken:
                name += "_"
            taken.add(name)
            layer.name = name


def _made_trainable(model: keras.Model) -> list[str]:
    """Lets all layers be trained in float32, and batch normalisations follow; tells what that changed."""
    frozen, slow, half = 0, 0, 0
    for _, layer in _all_layers(model):
        frozen += bool(layer.weights) and not layer.trainable
        layer.trainable = True
        for part in layer._flatten_layers():
            if isinstance(part, layers.BatchNormalization) and part.momentum > MOMENTUM:
                part.momentum, slow = MOMENTUM, slow + 1
            if part.compute_dtype != "float32":
                if part.variable_dtype != "float32":
                    raise ValueError(
                        f"Expected weights in float32. Received: layer {part.name!r} with {part.variable_dtype}; save "
                        "the model with float32 weights."
                    )
                part.dtype_policy, half = keras.DTypePolicy("float32"), half + 1
    model.trainable = True
    told = [(frozen, "frozen layers are trained, too"), (half, "layers compute in float32")]
    told.append((slow, f"batch normalisations follow with a momentum of {MOMENTUM:g}"))
    return [f"{count} {text}" for count, text in told if count]


def _values_for(
    x: Tensor,
    values: str,
    normalization: keras.layers.Normalization | None,
    obfuscation: keras.layers.Layer | None,
    raw_cut: bool,
) -> Tensor:
    """Inputs as the model takes them, behind an obfuscation of standardised ones if there is one."""
    if values == STANDARDIZED or obfuscation is not None or raw_cut:
        if normalization is None:
            raise ValueError("Expected a normalization with the statistics of the inputs. Received: None.")
        statistics = normalization.get_config()
        again = {"mean": statistics["mean"], "variance": statistics["variance"]}
        x = layers.Normalization(**again, name=STANDARDIZE)(x)
        x = x if obfuscation is None else obfuscation(x)
        if values != STANDARDIZED:
            x = layers.Normalization(**again, invert=True, name=RESTORE)(x)
    return layers.Rescaling(1 / 255, name="input_unit")(x) if values == UNIT else x


def _sized_for(x: Tensor, wanted: Sequence[int | None]) -> tuple[Tensor, list[str]]:
    """Inputs with the size and the channels that a model declares, and what that took."""
    notes, (height, width, channels) = [], wanted
    if x.shape[-1] != channels:
        if x.shape[-1] != 1:
            raise ValueError(f"Expected inputs with {channels} channels for the model. Received: {x.shape[-1]}.")
        x = layers.Concatenate(name="input_channels")([x] * (channels or 1))
        notes.append(f"the one channel is repeated {channels} times")
    size = (x.shape[1] if height is None else height, x.shape[2] if width is None else width)
    if size != tuple(x.shape[1:3]):
        notes.append(f"inputs of {x.shape[1]}x{x.shape[2]} are resized to the model's {size[0]}x{size[1]}")
        # Not the layer: called without `training`, it lets all behind it run as in a training (Keras 3.15).
        x = keras.ops.image.resize(x, size)
    return x, notes


def _logits(output: Tensor, outputs: int) -> tuple[Tensor, str, list[str]]:
    """Logits for so many labels, the classifier's name, and what was changed."""
    notes, x = [], output
    while (operation := producer(x)) is not None and _gives_probabilities(operation):
        notes.append(f"{operation.name!r} is left out: the losses take logits")
        x = inputs_of(x)[0]
    classified = _classifier_behind(x)
    layer = None if classified is None else producer(classified)
    if layer is not None and _activation(layer) in PROBABILITIES:
        notes.append(f"the {_activation(layer)} of {layer.name!r} is left out: the losses take logits")
        layer.activation = keras.activations.linear
    if tuple(x.shape[1:]) == (outputs,):
        return x, layer.name if layer is not None else producer(x).name, notes
    features = x if layer is None else inputs_of(classified)[0]
    name = CLASSIFIER if layer is None else layer.name
    had = "no classifier" if classified is None else f"{name!r} with {classified.shape[-1]} outputs"
    notes.append(f"a new dense layer {name!r} of {outputs} outputs takes the place of {had}")
    if len(features.shape) == 4:
        features = layers.GlobalAveragePooling2D(name="predictions_pool")(features)
    elif len(features.shape) > 2:
        features = layers.Flatten(name="predictions_flatten")(features)
    return layers.Dense(outputs, name=name)(features), name, notes


def _classifier_behind(x: Tensor) -> Tensor | None:
    """What the last dense layer or 1 x 1 convolution gives, if nothing but reshaping and pooling comes behind it."""
    from datamix_tf.layers import PairedLogits

    while True:
        operation = producer(x)
        if isinstance(operation, layers.Dense):
            return x
        if isinstance(operation, layers.Conv2D) and set(operation.kernel_size) == {1}:
            return x
        if not isinstance(operation, (*BEHIND, PairedLogits)) and _activation(operation) != "linear":
            return None
        x = inputs_of(x)[0]


def _gives_probabilities(operation: Any) -> bool:
    if isinstance(operation, layers.Softmax) or type(operation).__name__ in ("Softmax", "Sigmoid"):
        return True
    return isinstance(operation, layers.Activation) and _activation(operation) in PROBABILITIES


def _activation(operation: Any) -> str:
    return getattr(getattr(operation, "activation", None), "__name__", "")
