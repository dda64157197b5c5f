"""Bundles that need no cloud: made from a Keras model, and used as a user does."""

import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from components.export.edge_only import write_edge_only
from serving.edge import bundle as bundles
from serving.edge import edge_only, preprocess
from serving.edge.errors import BundleError
from tests.conftest import REPOSITORY

LABELS = ("cat", "dog", "hat")
PREPROCESSING = preprocess.ImagePreprocessing(8, 8)


def exported(folder, model, labels=LABELS):
    preprocessing = preprocess.to_config(PREPROCESSING)
    return write_edge_only(model, str(folder), task="categorical", labels=labels, preprocessing=preprocessing)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, 2, activation="relu")(keras.layers.Rescaling(1 / 128, -1)(image))
    return keras.Model(image, keras.layers.Dense(len(LABELS))(keras.layers.Flatten()(x)))


@pytest.fixture(scope="module")
def alone(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "edge_only"
    exported(folder, model)
    return folder


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "me.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    return path


def command(*arguments):
    result = subprocess.run(
        [sys.executable, "-m", "serving.edge", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in result.stderr
    return result


def wanted(model, picture):
    """What Keras says of a picture."""
    x = PREPROCESSING(picture.read_bytes())[None].astype("float32")
    return np.asarray(keras.ops.softmax(model(x, training=False)))[0]


def test_the_command_says_what_keras_says_and_sends_nothing(alone, model, picture):
    expected = wanted(model, picture)
    result = command("predict", "--bundle", alone, picture)
    assert result.returncode == 0, result.stderr
    order = sorted(zip(expected, LABELS, strict=True), reverse=True)
    assert result.stdout == f"{picture}: " + ", ".join(f"{label} {share:.3f}" for share, label in order) + "\n"
    assert "nothing was sent" in result.stderr
    answer = json.loads(command("predict", "--bundle", alone, "--json", picture).stdout)
    assert answer["predictions"][0]["probabilities"] == pytest.approx(
        dict(zip(LABELS, expected, strict=True)), abs=1e-4
    )
    assert answer["traffic"]["bytes_up"] == 0


def test_several_inputs(alone, model):
    x = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), np.uint8)
    found = edge_only.EdgeOnlyModel(str(alone))
    expected = keras.ops.softmax(model(x.astype("float32"), training=False))
    np.testing.assert_allclose(found.predict(x), expected, atol=1e-4)
    assert found.predict(x[:0]).shape == (0, 3)
    for wrong in (x[0], np.full((1, 8, 8, 3), np.nan)):
        with pytest.raises(ValueError, match="inputs must"):
            found.predict(wrong)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--url", "http://127.0.0.1:9"], "nothing is sent, so leave out --url"),
        (["--covers", "covers", "--token_file", "token"], "nothing is sent, so leave out --covers, --token_file"),
        (["--oblivious_key_file", "key"], "nothing is sent, so leave out --oblivious_key_file"),
        (["--oblivious"], "nothing is sent, so leave out --oblivious"),
        (["--precision", "int8"], "nothing is sent, so leave out --precision"),
        (["none.png"], "cannot read none.png"),
    ],
)
def test_what_cannot_work_is_one_line(alone, picture, arguments, text):
    refused_in_one_line(command("predict", "--bundle", alone, picture, *arguments), text)


def refused_in_one_line(result, text):
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.returncode == 1 and result.stdout == "" and len(errors) == 1 and text in errors[0], result.stderr


def test_there_is_no_sample_of_a_request(alone):
    refused_in_one_line(command("sample", "--bundle", alone), "is an edge-only bundle, of which nothing is sent")


def test_a_split_model_s_bundle_needs_a_url(deployed, picture):
    refused_in_one_line(command("predict", "--bundle", deployed.edge, picture), "give its address with --url")


def test_one_kind_is_not_taken_for_the_other(alone, deployed):
    with pytest.raises(BundleError, match="is an edge-only bundle, of which nothing is sent"):
        bundles.load_manifest(str(alone))
    with pytest.raises(BundleError, match="is the bundle of a split model, which needs a cloud"):
        edge_only.load_manifest(deployed.edge)


def test_a_changed_bundle_is_refused(alone, tmp_path):
    changed = shutil.copytree(alone, tmp_path / "changed")
    with open(changed / "model.tflite", "ab") as file:
        file.write(b"x")
    with pytest.raises(BundleError, match=r"model\.tflite was changed"):
        edge_only.EdgeOnlyModel(str(changed))
    path = changed / "manifest.json"
    for change in ({"schema": 99}, {"surprise": 1}, {"kind": "cloud"}, {"kind": []}):
        path.write_text(json.dumps({**json.loads((alone / "manifest.json").read_text()), **change}))
        with pytest.raises(BundleError, match="cannot use"):
            edge_only.load_manifest(str(changed))


def test_models_that_cannot_be_exported(model, tmp_path):
    with pytest.raises(ValueError, match="one label for each logit"):
        exported(tmp_path, model, labels=("cat",))
    one, two = keras.Input((3,)), keras.Input((3,))
    with pytest.raises(ValueError, match="a model of one input"):
        exported(tmp_path, keras.Model([one, two], one + two))
