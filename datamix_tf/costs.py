"""What a split costs: parameters, multiply-adds, bytes on the wire, transmission time.

Conventions, those of the papers' tables (docs/results/costs.md shows the arithmetic):

- the tables' FLOPs are multiply-adds of convolutions, dense layers and matrix products, so that mixing and de-mixing
  count S_G for each value (`mixing_macs`); batch normalisation and all that has none of these count nothing;
- a layer or operation that is not known here is traced, and its matrix products and convolutions are counted
  (`datamix_tf.traced_macs`): attention, layers of one's own, Keras's functions in a model;
- "mega" is 2^20, for bytes and for bits.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from datamix_tf.typing import Node, Shape

if TYPE_CHECKING:
    import keras

MEGA = 2**20
#: Keras's layers that have no matrix products and no convolutions, and so count nothing; others are looked into.
COUNT_NOTHING = re.compile(
    "(Global)?(Average|Max)Pooling[123]D|(ZeroPadding|Cropping|UpSampling|SpatialDropout)[12]D|Gaussian(Dropout|Noise)"
    "|(Layer|Group|RMS|Unit)?Normalization|Activation|Add|Average|Concatenate|Dropout|ELU|Embedding|Flatten|Identity"
    "|InputLayer|LeakyReLU|Maximum|Minimum|Multiply|Permute|PReLU|ReLU|RepeatVector|Rescaling|Reshape|Resizing|Softmax"
    "|Subtract"
)


def transmission_seconds(
    bytes_up: float,
    bytes_down: float,
    up_mbps: float = 15,
    down_mbps: float = 30,
    latency_ms: float = 25,
    round_trips: float = 1,
) -> float:
    """Time to send features up and answers down (DataMix, Eq. 1).

    Args:
        bytes_up: Bytes from edge to cloud.
        bytes_down: Bytes from cloud to edge.
        up_mbps: Upload bandwidth, in Mbit/s with mega = 2^20; 15 is the papers' 4G link.
        down_mbps: Download bandwidth, likewise.
        latency_ms: One-way network latency in milliseconds; it counts twice for each round trip.
        round_trips: How often data go up and answers come down; 1 in Eq. 1.

    Returns:
        Seconds, a float.

    Raises:
        ValueError: If bytes or latency are negative, or a bandwidth is not positive.
    """
    if min(bytes_up, bytes_down, latency_ms, round_trips) < 0 or min(up_mbps, down_mbps) <= 0:
        raise ValueError(
            "Bytes, latency and round trips must not be negative, bandwidths must be positive. Received: "
            f"{bytes_up=}, {bytes_down=}, {up_mbps=}, {down_mbps=}, {latency_ms=}, {round_trips=}"
        )
    sending = 8 * bytes_up / (up_mbps * MEGA) + 8 * bytes_down / (down_mbps * MEGA)
    return sending + round_trips * 2 * latency_ms / 1000


def count_params(model: keras.Model) -> int:
    """Trainable parameters of a Keras model or part, in numbers; normalisation statistics are not counted."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def count_macs(model: keras.Model, batch_normalization: int = 0) -> int:
    """Multiply-adds of one example through a functional model or part, in the papers' convention.

    Args:
        model: A functional or `Sequential` Keras model with known spatial sizes; nested models are counted too.
        batch_normalization: What each value that goes through a batch normalisation counts. 0 is the papers' (on an
            edge it is folded into the convolution before it); other counters have 1 or 2.

    Returns:
        The number of multiply-adds, an int.

    Raises:
        ValueError: If the model has no graph or is not built, a layer's output size is not known, or what a layer
            computes cannot be told from its graph.

    Reference: DataMix (ECCV 2020), tables 2 and 4; their authors' counter, torchprofile, has 0 for batch normalisation
    and counts matrix products.
    """
    return sum(macs for _, macs in macs_of_calls(model, batch_normalization))


def macs_of_calls(model: keras.Model, batch_normalization: int = 0) -> list[tuple[Node, int]]:
    """Each call in a model's graph with its multiply-adds; all is as for `count_macs`, their sum."""
    from datamix_tf.graph import calls

    return [(call, _call_macs(call, batch_normalization)) for call in calls(model)]


def mixing_macs(values: int, group_size: int) -> int:
    """Multiply-adds, for one input of a group, of mixing its feature or de-mixing its answer: S_G for each value.

    Args:
        values: Numbers of one feature or answer.
        group_size: Inputs of a group, S_G.

    Returns:
        `group_size * values`, an int. A key costs nothing here: the papers do not count its drawing.

    Reference: DataMix (ECCV 2020), tables 2 and 4; `[S_G, S_G]` times `[S_G, values]`, shared by S_G inputs.
    """
    return group_size * values


def output_bytes(model: keras.Model, bytes_per_value: int = 4) -> int:
    """Bytes of one example's output of a model or part (default float32)."""
    return math.prod(model.output_shape[1:]) * bytes_per_value


def delegation(model: keras.Model, bytes_per_value: int = 4) -> dict[str, int]:
    """What it takes to have every linear layer computed elsewhere (Slalom, Tramer and Boneh, ICLR 2019).

    The activations in front of each convolution and dense layer go up, its outputs come back; all else stays.

    Args:
        model: A functional Keras model with known spatial sizes.
        bytes_per_value: 4 for float32.

    Returns:
        `bytes_up`, `bytes_down` and `round_trips` for one example.
    """
    linear = _linear_calls(model)
    sizes = [
        (_values(call.input_tensors[0].shape[1:], call.operation), _values(call.outputs[0].shape[1:], call.operation))
        for call in linear
    ]
    return {
        "bytes_up": bytes_per_value * sum(up for up, _ in sizes),
        "bytes_down": bytes_per_value * sum(down for _, down in sizes),
        "round_trips": len(linear),
    }


def cost_of(model: keras.Model) -> dict[str, int]:
    """Parameters, multiply-adds and float32 output bytes of a model or part, as one dictionary."""
    return {"params": count_params(model), "macs": count_macs(model), "output_bytes": output_bytes(model)}


def _call_macs(call: Node, batch_normalization: int) -> int:
    import keras

    from datamix_tf.traced_macs import traced_macs

    layer = call.operation
    inside = getattr(layer, "model_inside", layer)
    if isinstance(inside, keras.Model):
        return count_macs(inside, batch_normalization)
    if isinstance(layer, keras.layers.BatchNormalization):
        return batch_normalization * _values(call.outputs[0].shape[1:], layer)
    if COUNT_NOTHING.fullmatch(type(layer).__name__) and type(layer).__module__.startswith("keras."):
        return 0
    if isinstance(layer, _separable()):  # in depth at each place of the output, then across the channels
        places = _values(call.outputs[0].shape[1:], layer) // layer.filters
        return places * (math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape))
    if isinstance(layer, _transposed()):  # each input value meets the whole kernel of its channel
        return math.prod(layer.kernel.shape[:-1]) * _values(call.input_tensors[0].shape[1:], layer)
    if (steps := _steps(call)) is not None:
        return steps
    per_value = _macs_per_output_value(layer)
    return traced_macs(call) if per_value is None else per_value * _values(call.outputs[0].shape[1:], layer)


def _macs_per_output_value(layer: keras.layers.Layer) -> int | None:
    """Multiply-adds behind each number of a layer's output; `None` where they are no fixed number."""
    from keras import layers

    if hasattr(layer, "macs_per_output_value"):
        return layer.macs_per_output_value
    if isinstance(layer, (layers.DepthwiseConv1D, layers.DepthwiseConv2D)):
        return math.prod(layer.kernel.shape[:-2])
    if isinstance(layer, (layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.Dense)):
        return math.prod(layer.kernel.shape[:-1])
    return None


def _steps(call: Node) -> int | None:
    """Multiply-adds of layers that do the same at each step of a sequence; `None` for others.

    Those that loop have no graph that shows how often: they are counted as so many steps.
    """
    from keras import layers

    layer = call.operation
    if isinstance(layer, layers.TimeDistributed):
        shape = call.input_tensors[0].shape
        return _values(shape[1:2], layer) * _macs_on(layer.layer, shape[2:])
    if isinstance(layer, layers.Bidirectional):
        shape = call.input_tensors[0].shape[1:]
        return _macs_on(layer.forward_layer, shape) + _macs_on(layer.backward_layer, shape)
    if isinstance(layer, (layers.LSTM, layers.GRU, layers.SimpleRNN)):
        weights = math.prod(layer.cell.kernel.shape) + math.prod(layer.cell.recurrent_kernel.shape)
        return _values(call.input_tensors[0].shape[1:2], layer) * weights
    return None


def _macs_on(layer: keras.layers.Layer, shape: Shape) -> int:
    """Multiply-adds of a layer inside another one, on an input of a shape without the batch."""
    import keras

    inputs = keras.Input(shape)
    return count_macs(keras.Model(inputs, layer(inputs)))


def _separable() -> tuple[Any, ...]:
    from keras import layers

    return (layers.SeparableConv1D, layers.SeparableConv2D)


def _transposed() -> tuple[Any, ...]:
    from keras import layers

    return (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)


def _linear_calls(model: keras.Model) -> list[Node]:
    """The calls of layers that are linear but for an activation, those in nested models too."""
    import keras

    from datamix_tf.graph import calls

    found = []
    for call in calls(model):
        if isinstance(call.operation, keras.Model):
            found += _linear_calls(call.operation)
        elif hasattr(call.operation, "kernel") or isinstance(call.operation, _separable()):
            found.append(call)
    return found


def _values(shape: Shape, layer: keras.layers.Layer) -> int:
    known = [size for size in shape if size is not None]
    if len(known) < len(shape):
        raise ValueError(
            f"Multiply-adds need known sizes, but layer {layer.name!r} has the output shape {tuple(shape)}. "
            "Build the model with a full input shape."
        )
    return math.prod(known)
