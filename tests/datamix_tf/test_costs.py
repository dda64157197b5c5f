"""The cost model by hand, and Table 1; tests/pipeline/test_costs.py has the papers' tables 2 and 4, as a user asks."""

import math

import keras
import pytest

from datamix_tf import split
from datamix_tf.costs import (
    MEGA,
    cost_of,
    count_macs,
    count_params,
    delegation,
    mixing_macs,
    output_bytes,
    transmission_seconds,
)
from datamix_tf.models import resnet18, splitnet, vgg16


def rounded(value, digits):
    """Rounded as the papers do, halves upwards (12.25 is printed as 12.3)."""
    return math.floor(value * 10**digits + 0.5) / 10**digits


@pytest.fixture(scope="module")
def vgg():
    return vgg16()


@pytest.mark.parametrize(
    ("after", "share", "megabytes", "seconds"),
    [
        ("conv1_1", 1, 12.3, 6.6),  # FaceMix prints 6.6 s; DataMix prints 6.5 s for the same sum
        ("pool1", 13, 3.1, 1.7),
        ("conv5_1", 93, 0.4, 0.3),
    ],
)
def test_table_1(vgg, after, share, megabytes, seconds):
    pre, _, _ = split(vgg, after=after, before="fc8")
    sent = output_bytes(pre)
    assert rounded(100 * count_macs(pre) / count_macs(vgg), 0) == share
    assert rounded(sent / MEGA, 1) == megabytes
    assert rounded(transmission_seconds(sent, 1000 * 4), 1) == seconds


def test_table_1_cloud():
    raw = 224 * 224 * 3 * 4
    assert (rounded(raw / MEGA, 1), rounded(transmission_seconds(raw, 1000 * 4), 1)) == (0.6, 0.4)


def test_table_1_every_linear_layer_delegated(vgg):
    """Tramer et al.: 86.5 MB and 33.1 s, with one round trip for each of the 16 linear layers."""
    costs = delegation(vgg)
    assert costs["round_trips"] == 16
    assert rounded((costs["bytes_up"] + costs["bytes_down"]) / MEGA, 1) == 86.5
    assert rounded(transmission_seconds(**costs), 1) == 33.1


def test_vgg16_has_the_known_parameters(vgg):
    assert count_params(vgg) == 138_357_544


def test_splitnet_by_hand():
    network = splitnet((32, 32, 1), 10)
    normalised = 16 * 16 * 16 + 8 * 8 * 32 + 4 * 4 * 64 + 128 + 64
    convolutions = 32 * 32 * 9 * 16 + 16 * 16 * 9 * 16 * 32 + 8 * 8 * 9 * 32 * 64
    dense = 1024 * 128 + 128 * 64 + 64 * 10
    assert count_macs(network) == convolutions + dense  # batch normalisation counts nothing, as in the papers
    assert count_macs(network, batch_normalization=2) == convolutions + dense + 2 * normalised


def test_mixing_is_a_matrix_product_shared_by_its_group():
    """[S_G, S_G] times [S_G, values] is S_G^2 values multiply-adds for S_G inputs."""
    assert mixing_macs(values=100, group_size=8) * 8 == 8 * 8 * 100


def test_equation_1():
    assert transmission_seconds(15 * MEGA / 8, 30 * MEGA / 8) == pytest.approx(1 + 1 + 0.05)
    assert transmission_seconds(0, 0, latency_ms=10) == pytest.approx(0.02)


@pytest.mark.parametrize("bad", [{"bytes_up": -1}, {"up_mbps": 0}, {"latency_ms": -1}])
def test_impossible_links_are_explained(bad):
    with pytest.raises(ValueError, match="must not be negative"):
        transmission_seconds(**{"bytes_up": 1, "bytes_down": 1, **bad})


def test_unknown_sizes_are_explained():
    with pytest.raises(ValueError, match="Build the model with a full input shape"):
        count_macs(resnet18((None, None, 3), 2, width=8))


def test_multiply_adds_of_a_transposed_convolution():
    """Every input value meets 3 x 3 x 5 weights."""
    inputs = keras.Input((4, 6, 2))
    model = keras.Model(inputs, keras.layers.Conv2DTranspose(5, 3, 2, padding="same")(inputs))
    assert cost_of(model)["macs"] == 4 * 6 * 2 * 3 * 3 * 5


@pytest.mark.parametrize("layer", [keras.layers.SeparableConv2D, keras.layers.SeparableConv1D])
@pytest.mark.parametrize("options", [{}, {"strides": 2}, {"depth_multiplier": 2, "padding": "same"}])
def test_multiply_adds_of_a_separable_convolution_are_those_of_its_two_steps(layer, options):
    dims = 2 if layer is keras.layers.SeparableConv2D else 1
    in_depth = keras.layers.DepthwiseConv2D if dims == 2 else keras.layers.DepthwiseConv1D
    across = keras.layers.Conv2D if dims == 2 else keras.layers.Conv1D
    shape = (9, 10, 6)[-dims - 1 :] if dims == 2 else (10, 6)
    inputs = keras.Input(shape)
    separable = keras.Model(inputs, layer(5, 3, **options)(inputs))
    steps = keras.Model(inputs, across(5, 1)(in_depth(3, **options)(inputs)))
    assert count_macs(separable) == count_macs(steps) > 0
    assert delegation(separable)["round_trips"] == 1


def test_multiply_adds_inside_nested_models_count():
    parts = [keras.Input((6,)), keras.layers.Dense(5), keras.layers.Dense(4)]
    nested = keras.Sequential(parts)
    inputs = keras.Input((6,))
    twice = keras.Model(inputs, keras.layers.Dense(2)(keras.Sequential([keras.Input((6,)), nested])(inputs)))
    assert (count_macs(nested), count_macs(twice)) == (6 * 5 + 5 * 4, 6 * 5 + 5 * 4 + 4 * 2)
    assert cost_of(nested)["macs"] == 50
    assert delegation(twice) == {"bytes_up": 4 * (6 + 5 + 4), "bytes_down": 4 * (5 + 4 + 2), "round_trips": 3}


class Hidden(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)

    def call(self, x):
        return self.dense(x)


class Branching(keras.layers.Layer):
    """A loop whose length depends on what comes."""

    def call(self, x):
        return keras.ops.while_loop(lambda y: keras.ops.sum(y) < 1, lambda y: (keras.ops.matmul(y, y),), (x,))[0]

    def compute_output_shape(self, shape):
        return shape


class Hyper(keras.layers.Layer):
    """A layer of one's own that multiplies rows with a matrix that it makes of a parameter, and sums of their own."""

    def build(self, shape):
        self.core = self.add_weight(shape=(shape[-1], 3))
        self.inner = keras.layers.Dense(5)
        self.inner.build((None, 3))

    def call(self, x):
        return self.inner(keras.ops.matmul(x, self.core)) + keras.ops.mean(x)

    def compute_output_shape(self, shape):
        return (*shape[:-1], 5)


def on(shape, function):
    inputs = keras.Input(shape)
    return keras.Model(inputs, function(inputs))


layers, ops = keras.layers, keras.ops
#: What was unknown or 0 before, each with its count by hand: 7 steps of 6 numbers unless it says otherwise.
BY_HAND = {
    "EinsumDense": (lambda x: layers.EinsumDense("btd,dhe->bthe", (None, 2, 4))(x), 7 * 6 * 2 * 4),
    # queries, keys, values: 6 x 2 heads x 4 each; scores and their sum: 7 x 7 x 8 each; out: 8 x 6
    "MultiHeadAttention": (lambda x: layers.MultiHeadAttention(2, 4)(x, x), 7 * 6 * 8 * 3 + 2 * 7 * 7 * 8 + 7 * 8 * 6),
    # as above, with one head of keys and values for both of queries
    "GroupedQueryAttention": (
        lambda x: layers.GroupQueryAttention(4, 2, 1)(x, x),
        7 * 6 * (8 + 4 + 4) + 2 * 7 * 7 * 8 + 7 * 8 * 6,
    ),
    "Attention": (lambda x: layers.Attention()([x, x]), 2 * 7 * 7 * 6),
    "Dot": (lambda x: layers.Dot(axes=2)([x, x]), 7 * 7 * 6),
    "LSTM": (lambda x: layers.LSTM(3)(x), 7 * (6 + 3) * 4 * 3),
    "GRU": (lambda x: layers.GRU(3)(x), 7 * (6 + 3) * 3 * 3),
    "SimpleRNN": (lambda x: layers.SimpleRNN(3)(x), 7 * (6 + 3) * 3),
    "TimeDistributed": (lambda x: layers.TimeDistributed(layers.Dense(3))(x), 7 * 6 * 3),
    "Bidirectional": (lambda x: layers.Bidirectional(layers.LSTM(3))(x), 2 * 7 * (6 + 3) * 4 * 3),
    "ops.matmul": (lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1))), 7 * 7 * 6),
    "ops.einsum": (lambda x: ops.einsum("bid,bjd->bij", x, x), 7 * 7 * 6),
    "ops.conv": (lambda x: ops.conv(x, ops.ones((3, 6, 2)), padding="same"), 7 * 3 * 6 * 2),
    "SpectralNormalization": (lambda x: layers.SpectralNormalization(layers.Dense(3))(x), 7 * 6 * 3),
    "a layer of one's own": (lambda x: Hyper()(x), 7 * 6 * 3 + 7 * 3 * 5),
    "LayerNormalization": (lambda x: layers.LayerNormalization()(x), 0),
    "ops.softmax": (lambda x: ops.softmax(x * 2), 0),
}


@pytest.mark.parametrize("kind", BY_HAND)
def test_multiply_adds_of_layers_and_operations_by_hand(kind):
    function, count = BY_HAND[kind]
    assert count_macs(on((7, 6), function)) == count


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (lambda: layers.ConvLSTM1D(3, 2), "of ConvLSTM1D .* are not known: its graph has .*While"),
        (Branching, "of Branching .* are not known: its graph has .*While"),
        (Hidden, "no graph to cut or count"),
    ],
)
def test_what_cannot_be_counted_is_not_zero(layer, text):
    shape = (7, 6, 2) if layer().name.startswith("conv") else (6, 6)
    with pytest.raises(ValueError, match=text):
        count_macs(on(shape, layer()))


def test_layers_without_kernels_count_nothing():
    inputs = keras.Input((7,), dtype="int32")
    x = keras.layers.LayerNormalization()(keras.layers.Embedding(9, 4)(inputs))
    assert count_macs(keras.Model(inputs, keras.layers.PReLU()(x))) == 0


def test_a_layer_that_runs_a_model_costs_what_the_model_does():
    from datamix_tf.layers import FaceAnonymizer

    inputs = keras.Input((16, 16, 3))
    layer = FaceAnonymizer(width=4, blocks=1)
    model = keras.Model(inputs, layer(inputs))
    assert count_macs(model) == count_macs(layer.generator) > 0
