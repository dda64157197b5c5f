"""The packager's check that the exports agree with the Keras model."""

import numpy as np
import pytest
import tensorflow as tf

from components.export.bundle import write_bundle
from components.export.tflite import convert_halves
from components.packager import TOLERANCE, agreement_of
from components.storage.artifacts import Package
from serving.edge import preprocess
from tests.serving.deployments import GROUP_SIZE, LABELS, private_model


def packaged(model, folder):
    package = Package(str(folder))
    names = {"name": "toy", "task": "binary", "labels": LABELS}
    preprocessing = preprocess.to_config(preprocess.ImagePreprocessing(8, 8))
    write_bundle(model, package.path("serving"), package.path("edge"), preprocessing=preprocessing, **names)
    return package


@pytest.mark.parametrize("subtract", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_exports_agree_and_halves_of_the_other_kind_do_not(tmp_path, subtract):
    model = private_model(subtract_constant=subtract)
    conv = model.main.layers[1]
    conv.bias.assign(np.linspace(-2, 2, conv.filters, dtype=np.float32))
    package = packaged(model, tmp_path)
    saved = tf.train.load_checkpoint(package.path("serving", "variables", "variables")).get_variable_to_shape_map()
    kept = sum(np.prod(shape) for name, shape in saved.items() if name.endswith("/VARIABLE_VALUE"))
    assert kept == model.main.count_params()  # each weight once
    x = np.random.default_rng(0).integers(0, 256, (GROUP_SIZE, 8, 8, 3)).astype("float32")
    agreement = agreement_of(model, package, x)
    assert max(agreement[name] for name in ("pre", "main", "post", "chained")) <= TOLERANCE
    model.subtract_constant = not subtract
    convert_halves(model, package.path("edge"))
    model.subtract_constant = subtract
    agreement = agreement_of(model, package, x)
    assert min(agreement[name] for name in ("post", "chained")) > 100 * TOLERANCE
