import keras
import numpy as np
import pytest

from datamix_tf import possible_cuts, split
from datamix_tf.costs import count_macs
from datamix_tf.models import resnet18
from datamix_tf.models.resnet import PRE_LAYERS


@pytest.fixture(scope="module")
def network():
    normalization = keras.layers.Normalization(mean=[0.1] * 3, variance=[0.5] * 3, name="normalization")
    return resnet18((32, 32, 3), 5, width=8, normalization=normalization)


@pytest.mark.parametrize("after", PRE_LAYERS.values())
def test_the_parts_make_the_whole(network, after):
    pre, main, post = split(network, after=after, before="classifier")
    x = np.random.default_rng(0).normal(size=(4, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(post(main(pre(x))), network(x), rtol=1e-4, atol=1e-5)


def test_the_parts_share_weights(network):
    pre, main, post = split(network, after="stem_pool", before="classifier")
    parts = [id(weight) for part in (pre, main, post) for weight in part.weights]
    assert sorted(parts) == sorted(id(weight) for weight in network.weights)


def test_splitting_twice_works(network):
    for _ in range(2):
        split(network, after="stage1_block1_out", before="classifier")


def test_a_cut_inside_a_residual_block_is_explained(network):
    with pytest.raises(ValueError, match=r"'stage1_block1_add' also use.*Possible cuts are after.*'stem_pool'"):
        split(network, after="stage1_block1_relu", before="classifier")


def test_a_layer_with_two_inputs_cannot_begin_post(network):
    with pytest.raises(ValueError, match="is 2 tensors"):
        split(network, after="stem_pool", before="stage1_block1_add")


def test_unknown_layers_are_listed(network):
    with pytest.raises(ValueError, match=r"no layer named after='nonsense'.*'stem_conv'"):
        split(network, after="nonsense", before="classifier")


def test_nothing_between_or_the_wrong_order_is_explained(network):
    with pytest.raises(ValueError, match="Nothing is left for the cloud"):
        split(network, after="pool", before="classifier")
    with pytest.raises(ValueError, match="does not come after"):
        split(network, after="stage2_block1_out", before="stage1_block1_1_pad")


def test_a_shared_layer_is_explained():
    shared = keras.layers.Dense(4, name="shared")
    x = keras.Input((4,))
    y = keras.layers.Dense(2, name="last")(shared(keras.layers.ReLU(name="relu")(shared(x))))
    with pytest.raises(ValueError, match="used 2 times"):
        split(keras.Model(x, y), after="shared", before="last")


def transfer(kind):
    """A base that is called as in inference, and a head, as transfer learning has them."""
    normalize = keras.layers.BatchNormalization(name="norm", moving_mean_initializer="ones")
    parts = [keras.layers.Dense(5, name="first"), normalize, keras.layers.Dense(3, name="second")]
    if kind == "sequential":
        base = keras.Sequential([keras.Input((4,)), *parts], name="base")
    else:
        x = inputs = keras.Input((4,))
        for part in parts:
            x = part(x)
        base = keras.Model(inputs, x, name="base")
    inputs = keras.Input((4,))
    outer = keras.Sequential([keras.Input((4,)), base], name="outer") if kind == "twice" else base
    x = keras.layers.ReLU(name="relu")(outer(inputs, training=False))
    return keras.Model(inputs, keras.layers.Dense(2, name="head")(x))


@pytest.mark.parametrize("kind", ["functional", "sequential", "twice"])
def test_a_transfer_model_is_cut_inside_its_base(kind):
    model, x = transfer(kind), np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    for after in ("first", "norm", "second"):
        pre, main, post = split(model, after=after, before="head")
        np.testing.assert_allclose(post(main(pre(x))), model(x), rtol=1e-5, atol=1e-6)
    cuts = possible_cuts(model)
    assert cuts[:3] == ["first", "norm", "second"] and cuts[-1] == "relu"
    pre, main, post = split(model, after="first", before="second")
    assert [layer.name for layer in main.layers[1:]] == ["norm"]
    assert sum(len(part.trainable_weights) for part in (pre, main, post)) == len(model.trainable_weights)


def test_nested_layers_of_equal_names_are_explained():
    nested = [keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="hid")], name=name) for name in "ab"]
    model = keras.Sequential([keras.Input((4,)), *nested, keras.layers.Dense(2, name="last")])
    with pytest.raises(ValueError, match=r"cannot stand beside its own: .*Rename layers"):
        split(model, after="hid", before="last")
    assert possible_cuts(model) == ["a", "b"]


def test_only_graphs_can_be_cut():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    unbuilt = keras.Sequential([keras.layers.Dense(3, name="a")], name="new")
    for cut in (lambda model: split(model, after="a", before="b"), possible_cuts, count_macs):
        with pytest.raises(ValueError, match="has no graph to cut"):
            cut(Subclassed())
        with pytest.raises(ValueError, match=r"Sequential model 'new' is not built.*keras\.Input"):
            cut(unbuilt)
    a, b = keras.Input((2,)), keras.Input((2,))
    with pytest.raises(ValueError, match="2 inputs and 1 outputs"):
        split(keras.Model([a, b], keras.layers.Add()([a, b])), after="a", before="b")


def test_sequential_models_are_cut_too():
    model = keras.Sequential(
        [keras.Input((6,)), *(keras.layers.Dense(4, activation="tanh", name=name) for name in "abc")]
    )
    pre, main, post = split(model, after="a", before="c")
    x = np.ones((2, 6), "float32")
    np.testing.assert_allclose(post(main(pre(x))), model(x), rtol=1e-5)


def test_every_suggested_cut_works(network):
    x = np.ones((2, 32, 32, 3), "float32")
    cuts = possible_cuts(network)
    assert {"stem_pool", "stage1_block1_out", "pool"} <= set(cuts)
    for after in cuts[: cuts.index("pool")]:
        pre, main, post = split(network, after=after, before="classifier")
        np.testing.assert_allclose(post(main(pre(x))), network(x), rtol=1e-4, atol=1e-5)
