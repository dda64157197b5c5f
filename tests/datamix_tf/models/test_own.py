import functools

import keras
import numpy as np
import pytest
from keras import layers

from datamix_tf import possible_cuts, split
from datamix_tf.costs import count_macs
from datamix_tf.layers import InputNoise
from datamix_tf.models.applications import _preprocessing_of, application, names
from datamix_tf.models.own import adapted, classifier_of, own_backbone
from tests.own_models import SHAPE, base, transfer


def pictures(shape=SHAPE, n=4):
    return np.random.default_rng(0).integers(0, 256, (n, *shape)).astype("float32")


def test_the_model_becomes_its_logits_and_keeps_its_weights_and_preprocessing():
    model, x = transfer(), pictures()
    wanted = np.asarray(model(x))
    made = adapted(model, SHAPE, 5)
    np.testing.assert_allclose(keras.ops.softmax(made.network(x)), wanted, rtol=1e-4, atol=1e-6)
    assert made.classifier == "head" == classifier_of(made.network)
    assert not any(isinstance(layer, keras.Model) for layer in made.network.layers)
    assert made.notes == (
        "3 frozen layers are trained, too",
        "1 batch normalisations follow with a momentum of 0.9",
        "the softmax of 'head' is left out: the losses take logits",
    )


def test_what_was_frozen_is_trained_as_a_training_does():
    network = adapted(transfer(), SHAPE, 5).network
    before = keras.ops.convert_to_numpy(network.get_layer("norm").moving_mean).copy()
    network(pictures(), training=True)
    assert np.abs(network.get_layer("norm").moving_mean - before).max() > 1e-3
    assert len(network.trainable_weights) == 8


def test_a_nested_base_is_cut_inside():
    network = adapted(transfer(), SHAPE, 5).network
    assert {"relu", "pool"} <= set(possible_cuts(network))
    pre, main, post = split(network, "relu", "head")
    np.testing.assert_allclose(post(main(pre(pictures()))), network(pictures()), rtol=1e-4, atol=1e-5)
    assert count_macs(pre) == 7 * 7 * 6 * 27


def test_nested_sequential_models_are_taken_apart_too():
    inner = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3, name="conv"), layers.ReLU(name="relu")])
    model = keras.Sequential([keras.Input(SHAPE), inner, layers.Flatten(), layers.Dense(3, name="head")])
    wanted = np.asarray(model(pictures()))
    network = adapted(model, SHAPE, 3).network
    pre = keras.Model(network.inputs[0], network.get_layer("conv").output)  # `output` is that of this graph
    np.testing.assert_allclose(pre(pictures()), split(network, "conv", "head")[0](pictures()), rtol=1e-5)
    np.testing.assert_allclose(network(pictures()), wanted, rtol=1e-4, atol=1e-5)


def test_layers_of_two_nested_models_with_one_name_are_told_apart():
    x = keras.Input(SHAPE)
    both = layers.Concatenate()([base(name="left")(x), base(name="right")(x)])
    model = keras.Model(x, layers.Dense(2, name="conv")(both))
    wanted = np.asarray(model(pictures()))
    network = adapted(model, SHAPE, 2).network
    assert {"left_conv", "right_conv", "conv"} <= {layer.name for layer in network.layers}
    np.testing.assert_allclose(network(pictures()), wanted, rtol=1e-5)


@pytest.mark.parametrize("outputs", [2, 7])
def test_a_classifier_with_other_outputs_is_replaced_under_its_name(outputs):
    made = adapted(transfer(), SHAPE, outputs)
    assert made.network.output_shape == (None, outputs) and made.classifier == "head"
    assert f"a new dense layer 'head' of {outputs} outputs takes the place of 'head' with 5 outputs" in made.notes


def headed(*head):
    x = inputs = keras.Input(SHAPE)
    for layer in (layers.Conv2D(4, 3, name="conv"), layers.ReLU(), *head):
        x = layer(x)
    return keras.Model(inputs, x)


@pytest.mark.parametrize(
    ("model", "classifier"),
    [
        (lambda: headed(layers.Conv2D(3, 1, name="last"), layers.GlobalAveragePooling2D()), "last"),
        (lambda: headed(layers.Flatten(), layers.Dense(3, name="last"), layers.Softmax()), "last"),
        (lambda: headed(layers.Flatten(), layers.Dense(3, name="last"), layers.Activation("sigmoid")), "last"),
        (lambda: headed(), "predictions"),
        (lambda: headed(layers.MaxPooling2D(2), layers.Flatten()), "predictions"),
    ],
)
@pytest.mark.parametrize("outputs", [3, 2])
def test_any_head_gives_logits(model, classifier, outputs):
    made = adapted(model(), SHAPE, outputs)
    assert made.network.output_shape == (None, outputs) and made.classifier == classifier
    _, _, post = split(made.network, "conv", made.classifier)
    assert post.layers[1].name == classifier
    assert not {"softmax", "sigmoid"} & {layer.name for layer in made.network.layers}


def test_inputs_are_brought_to_what_the_model_declares():
    model = transfer(size=(24, 20, 3))
    made = adapted(model, (16, 16, 1), 5)
    assert made.notes[2:4] == (
        "the one channel is repeated 3 times",
        "inputs of 16x16 are resized to the model's 24x20",
    )
    x = pictures((16, 16, 1))
    resized = keras.ops.image.resize(np.repeat(x, 3, -1), (24, 20))
    np.testing.assert_allclose(made.network(x), model(resized), rtol=1e-4, atol=1e-5)
    any_size = adapted(transfer(size=(None, None, 3)), SHAPE, 5)
    assert any_size.network.input_shape[1:] == SHAPE and not any("resized" in note for note in any_size.notes)


def test_what_stands_in_front_sees_standardised_inputs_and_the_model_its_own():
    statistics = layers.Normalization(mean=[100.0, 110, 120], variance=[400.0, 500, 600])
    plain, x = adapted(transfer(), SHAPE, 5).network, pictures()
    noisy = adapted(transfer(), SHAPE, 5, normalization=statistics, obfuscation=InputNoise(0.0, seed=0)).network
    noisy.set_weights(plain.get_weights())
    np.testing.assert_allclose(noisy(x), plain(x), rtol=1e-3, atol=1e-4)
    raw = adapted(transfer(), SHAPE, 5, normalization=statistics, raw_cut=True).network
    pre, _, _ = split(raw, "input_standardized", "head")
    np.testing.assert_allclose(pre(x), statistics(x), rtol=1e-5)
    unit = adapted(transfer(), SHAPE, 5, values="unit").network
    unit.set_weights(plain.get_weights())
    np.testing.assert_allclose(unit(255 * x), plain(x), rtol=1e-4, atol=1e-5)


def test_half_precision_computes_in_float32():
    model = transfer()
    for layer in model._flatten_layers(include_self=False):
        layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")
    network = adapted(model, SHAPE, 5).network
    assert network(pictures()).dtype == "float32"
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (lambda: keras.Sequential([keras.Input((4,)), layers.Dense(2)]), "a model of pictures.*input shape"),
        (lambda: keras.Sequential([layers.Dense(2)]), "is not built"),
        (lambda: keras.Model(x := keras.Input(SHAPE), [x, x]), "1 inputs and 2 outputs"),
    ],
)
def test_what_cannot_be_used_is_explained(model, text):
    with pytest.raises(ValueError, match=text):
        adapted(model(), SHAPE, 2)


def test_as_a_backbone_it_is_cut_by_number():
    backbone = own_backbone(transfer, ("conv", "relu"))
    network = backbone.build(SHAPE, 5, width=1, hidden_units=9)
    assert backbone.pre_layers() == ("input_standardized", "conv", "relu")
    assert backbone.post_layer(network) == "head"
    assert own_backbone(transfer, ("conv",), "drop").post_layer(network) == "drop"


@pytest.mark.parametrize("name", ["ResNet50", "MobileNetV2", "DenseNet121", "EfficientNetB0", "ConvNeXtTiny"])
def test_an_applications_own_preprocessing_is_found(name, monkeypatch):
    """Of each kind of the library's: BGR and means, -1 to 1, means and deviations, and two that do it themselves."""

    @functools.wraps(getattr(keras.applications, name))  # of the same module
    def empty(input_shape, **_):
        return keras.Sequential([keras.Input(input_shape)])

    monkeypatch.setattr(keras.applications, name, empty)
    found = application(name, SHAPE, None)(pictures())
    np.testing.assert_allclose(found, _preprocessing_of(name)(pictures()), rtol=1e-4, atol=1e-4)


def test_each_application_has_a_preprocessing():
    assert len(names()) > 30 and all(callable(_preprocessing_of(name)) for name in names())


def test_an_unknown_application_is_explained():
    assert "MobileNetV3Small" in names()
    with pytest.raises(ValueError, match="has no 'MobileNetV9'; it has ConvNeXtBase"):
        application("MobileNetV9", SHAPE, None)
