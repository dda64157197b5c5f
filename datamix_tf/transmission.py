"""What the cloud receives, as a Keras model from raw inputs to the transmitted tensor."""

from __future__ import annotations

from typing import Any

import keras

from datamix_tf.graph import inputs_of, producer
from datamix_tf.layers import GroupShuffle, Mix, Obfuscation, PairedLogits
from datamix_tf.mixing_model import MixingModel
from datamix_tf.typing import Array, Tensor


def group_size_of(model: keras.Model) -> int:
    """How many inputs the edge mixes with each other; 1 for a model without mixing."""
    return model.group_size if isinstance(model, MixingModel) else 1


def mixes_groups(model: keras.Model) -> bool:
    """Whether groups of at least two are mixed with orthogonal keys, so that there is a key to recover."""
    return isinstance(model, MixingModel) and model.orthogonal and model.group_size > 1


def transmitted(model: keras.Model, seed: int | None = None, shuffle: bool = False) -> keras.Model:
    """Builds the edge's side of a model up to the wire.

    Args:
        model: A `MixingModel`, whose mixtures are sent (fresh keys at every call); a model with an `Obfuscation` layer,
            whose output is sent; or any other Keras model, which is taken to run in the cloud as a whole: its raw input
            is sent.
        seed: Optional int that makes the keys repeatable.
        shuffle: Whether the rows are permuted across groups, so that row `k` says nothing of input `k`.

    Returns:
        A frozen `keras.Model` with copies of the weights, raw inputs `[batch, ...]` -> transmitted tensor
        `[batch, ...]`. Row `k` is mixture `k` of its group, which the papers take to correspond to input `k`. With
        mixing, batches must be whole groups.
    """
    if isinstance(model, MixingModel):
        inputs = keras.Input(model.pre.input_shape[1:], name="raw")
        features = copy_of(model.pre)(inputs, training=False)
        sent = Mix(name="mix")(features, model.new_keys(seed)(features))
    else:
        inputs = keras.Input(model.input_shape[1:], name="raw")
        layer = obfuscation_of(model)
        sent = inputs if layer is None else copy_of(keras.Model(model.inputs[0], layer.output))(inputs)
    sent = GroupShuffle(seed=seed, name="shuffle")(sent)[0] if shuffle else sent
    sender = keras.Model(inputs, sent, name="transmitted")
    sender.trainable = False
    return sender


def sent_shape(model: keras.Model) -> tuple[int, ...]:
    """Shape of what `transmitted` sends of one input."""
    if isinstance(model, MixingModel):
        return tuple(model.pre.output_shape[1:])
    layer: Any = obfuscation_of(model)
    return tuple((model.input_shape if layer is None else layer.output.shape)[1:])


def obfuscation_of(model: keras.Model) -> Obfuscation | None:
    """The `Obfuscation` layer of a functional model, or `None`."""
    return next((layer for layer in model.layers if isinstance(layer, Obfuscation)), None)


def copy_of(model: keras.Model) -> keras.Model:
    """A copy of a functional model with its own weights of the same values."""
    clone = type(model).from_config(model.get_config())
    clone.set_weights(model.get_weights())
    for layer in clone._flatten_layers():
        if hasattr(layer, "finalize_state"):  # what was adapted to data, such as a normalisation, is read from weights
            layer.finalize_state()
    return clone


def cloud_classifier(model: keras.Model) -> tuple[Array, Array] | None:
    """Kernel `[features, outputs]` and bias `[outputs]` of the classifier that the cloud runs, for one logit each.

    It is the last layer of a model without mixing (two logits for each label are taken as their difference); `None`
    where it is in M_post.
    """
    if isinstance(model, MixingModel):
        return None
    layer = producer(_classified(model))
    if not isinstance(layer, keras.layers.Dense):
        return None
    bias = keras.ops.zeros(layer.units) if layer.bias is None else layer.bias
    kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in (layer.kernel, bias))
    if isinstance(producer(model.outputs[0]), PairedLogits):
        return kernel[:, 1::2] - kernel[:, ::2], bias[1::2] - bias[::2]
    return kernel, bias


def cloud_body(model: keras.Model) -> keras.Model:
    """A trainable copy of what the cloud runs, from the transmitted tensor to the answers (in front of M_post).

    Args:
        model: A `MixingModel`, or a functional model whose last layer is its classifier.

    Returns:
        A `keras.Model`: transmitted tensor -> answers.
    """
    if isinstance(model, MixingModel):
        if not model.classifies_in_cloud:
            return copy_of(model.main)
        model = model.main
    layer = obfuscation_of(model)
    start = model.inputs[0] if layer is None else layer.output
    answers = inputs_of(_classified(model))[0]
    if answers is start:  # the cloud runs the classifier alone
        answers = keras.layers.Identity()(answers)
    return copy_of(keras.Model(start, answers, name="body"))


def _classified(model: keras.Model) -> Tensor:
    """What the classifier of a functional model gives: its output, or the two logits for each label before it."""
    output = model.outputs[0]
    return inputs_of(output)[0] if isinstance(producer(output), PairedLogits) else output
