"""Every layer in Keras's own harness, on TensorFlow and on each other backend that is installed."""

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

#: Keras's harness wants names of shapes as the call's; what it is given for each layer, in a process of its own.
HARNESS = """
import keras, numpy as np
from keras.src import testing
from datamix_tf import layers

case, random = testing.TestCase(), np.random.default_rng(0)
x = random.normal(size=(8, 6, 6, 3)).astype("float32")
rows = random.normal(size=(8, 5)).astype("float32")
cases = [
    (layers.OrthogonalKeys, {"group_size": 4}, rows, (2, 4, 4)),
    (layers.ConvexKeys, {}, rows, (4, 2, 2)),
    (layers.Mix, {}, {"inputs_shape": (8, 5), "keys_shape": (2, 4, 4)}, (8, 5)),
    (layers.DeMix, {}, {"inputs_shape": (8, 5), "keys_shape": (2, 4, 4)}, (8, 5)),
    (layers.GroupUnshuffle, {}, {"inputs_shape": (8, 5), "permutation_shape": (8,)}, (8, 5)),
    (layers.GaussianBottleneck, {"units": 3, "bits": 4.0}, rows, (8, 3)),
    (layers.InputNoise, {"variance": 1.0}, x, x.shape),
    (layers.Blur, {"size": 3}, x, x.shape),
    (layers.FaceAnonymizer, {"width": 2, "blocks": 1}, x, x.shape),
    (layers.RandomShift, {"rows": 1, "columns": 2}, x, x.shape),
]
for kind, options, data, shape in cases:
    case.setUp()
    try:
        case.run_layer_test(
            kind,
            options,
            **({"input_shape": data} if isinstance(data, dict) else {"input_data": data}),
            expected_output_shape=shape,
            run_training_check=False,
        )
    except Exception as error:
        print(kind.__name__, type(error).__name__, str(error).replace("\\n", " ")[:300])
print("ran", len(cases), "on", keras.backend.backend())
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_layers_pass_keras_s_harness(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    run = subprocess.run(
        [sys.executable, "-c", HARNESS],
        env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = run.stdout.splitlines()
    assert run.returncode == 0 and lines == [f"ran 10 on {backend}"], run.stdout + run.stderr[-2000:]
