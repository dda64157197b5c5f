import dataclasses
import functools
import importlib
import os

import keras
import pytest
from keras import layers

from components.errors import InputError
from components.training.networks import ModelConfig
from components.training.own_model import OwnModel, import_model
from datamix_tf.defences import Cloud
from tests import own_models

USUAL = {"weights": "none", "size": None, "seed": 0}


@pytest.mark.parametrize("name", ["own.keras", "own.h5"])
def test_a_model_is_kept_under_a_name_that_follows_from_its_content(name, tmp_path):
    path = own_models.saved(tmp_path, name)
    own = import_model(path, str(tmp_path / "kept"), **USUAL)
    assert own.shape == own_models.SHAPE and os.listdir(tmp_path / "kept") == [os.path.basename(own.path)]
    os.remove(path)
    assert own.load().get_layer("head").units == 5
    assert own.digest in own.path and own.path.endswith(os.path.splitext(name)[1])


def test_another_content_or_cut_is_another_training_and_another_place_is_not(tmp_path):
    own = OwnModel("own.keras", "here/own.keras", "1f", own_models.SHAPE, ("relu",))
    config = ModelConfig(Cloud(), 0, 1, 1, 8, 0.0, True, 1e-3, 0.0, (), 0, backbone="own", own=own)
    assert ModelConfig.from_dict(config.to_dict()) == config

    def key(**changes):
        return dataclasses.replace(config, own=dataclasses.replace(own, **changes)).key()

    assert key(path="there/own.keras", name="mine") == config.key()
    for changes in ({"digest": "2f"}, {"cuts": ("conv",)}, {"before": "pool"}, {"values": "unit"}):
        assert key(**changes) != config.key()


def test_a_layer_of_ones_own_is_known_by_its_module_and_its_code_counts(tmp_path, monkeypatch):
    module = tmp_path / "own_layers.py"
    module.write_text(
        "import keras\n@keras.saving.register_keras_serializable('own')\n"
        "class Own(keras.layers.Layer):\n    def call(self, x):\n        return x + 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    own = importlib.import_module("own_layers")
    path = str(tmp_path / "own.keras")
    keras.Sequential([keras.Input(own_models.SHAPE), own.Own(), layers.Flatten()]).save(path)
    first = import_model(path, str(tmp_path / "kept"), **USUAL, modules=("own_layers",))
    assert type(first.load().layers[0]) is own.Own
    module.write_text(module.read_text() + "# changed\n")
    again = import_model(path, str(tmp_path / "kept"), **USUAL, modules=("own_layers",))
    assert first.digest == again.digest and first.fingerprint != again.fingerprint


def with_code(folder):
    path = str(folder / "code.keras")
    keras.Sequential([keras.Input(own_models.SHAPE), layers.Lambda(lambda x: x + 1), layers.Flatten()]).save(path)
    return path


def damaged(folder):
    path = folder / "damaged.keras"
    path.write_bytes(b"no model")
    return str(path)


class Mine(layers.Layer):
    pass


def unknown(folder):
    path = str(folder / "unknown.keras")
    keras.Sequential([keras.Input(own_models.SHAPE), Mine(), layers.Flatten()]).save(path)
    return path


def of_vectors(folder):
    path = str(folder / "vectors.keras")
    keras.Sequential([keras.Input((4,)), layers.Dense(2)]).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (with_code, r"code.keras cannot be loaded: it holds a Lambda layer .* put a layer or a keras.ops function"),
        (damaged, "damaged.keras cannot be loaded"),
        (unknown, "a layer of it is not known here .* --plugin"),
        (of_vectors, "cannot be used: Expected a model of pictures"),
        (lambda folder: "absent.keras", "absent.keras cannot be read"),
        (lambda folder: "model.onnx", "must be a file that ends with .keras, .h5"),
        (lambda folder: "keras.applications:Nothing", "keras.applications has no 'Nothing'; it has ConvNeXtBase"),
    ],
)
def test_what_cannot_be_used_is_one_line(name, text, tmp_path):
    with pytest.raises(InputError, match=text) as raised:
        import_model(name(tmp_path), str(tmp_path / "kept"), **USUAL)
    assert "\n" not in str(raised.value)


@functools.wraps(keras.applications.MobileNetV2)
def no_network(input_shape, weights, **_):
    if weights:
        raise Exception("URL fetch failure on https://storage")  # as Keras does
    return own_models.base(input_shape)


def test_weights_that_cannot_be_downloaded_are_explained_and_random_ones_can_be_had(monkeypatch, tmp_path):
    monkeypatch.setattr(keras.applications, "MobileNetV2", no_network)
    name, kept = "keras.applications:MobileNetV2", str(tmp_path / "kept")
    with pytest.raises(InputError, match=r"cannot be downloaded .*URL fetch failure.* --model_weights none"):
        import_model(name, kept, **USUAL | {"weights": "imagenet"})
    first, again, other = (import_model(name, kept, **USUAL | {"seed": seed}) for seed in (0, 0, 1))
    assert first.shape == (64, 64, 3) and first == again != other
    assert len(os.listdir(kept)) == 2
