"""Trainings in lower precision and compiled by XLA end with a network in float32."""

import dataclasses

import keras
import numpy as np
import pytest

from components.evaluator import predict
from components.trainer import train
from components.training.checkpoint import state_of
from components.training.splits import Split
from datamix_tf.defences import DataMix, MixedBottleneck
from tests import datasets
from tests.components.ingest import ingest, transform
from tests.components.test_chain import CONFIG

SHORT = dataclasses.replace(CONFIG, backbone="splitnet", defence=DataMix(3, 4), epochs=2, batch_size=32, augment=())


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("precision")
    return transform(ingest(datasets.pictures(folder / "faces", n=100), folder), folder)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"dtype": "mixed_float16", "defence": MixedBottleneck(4, 8, 16.0)}, id="mixed_float16"),
        pytest.param({"dtype": "mixed_bfloat16"}, id="mixed_bfloat16", marks=pytest.mark.slow),
        pytest.param({"jit_compile": True}, id="jit_compile", marks=pytest.mark.slow),
    ],
)
def test_what_a_training_ends_with_is_float32(examples, tmp_path, monkeypatch, changes):
    fitted = []
    fit = keras.Model.fit
    monkeypatch.setattr(
        keras.Model, "fit", lambda self, *args, **more: [fitted.append(self), fit(self, *args, **more)][1]
    )
    model, record = train(dataclasses.replace(SHORT, **changes), examples, str(tmp_path / "checkpoint"))
    assert np.isfinite(record.history["loss"]).all()
    (trained,) = fitted
    dtype = changes.get("dtype", "float32")
    convolutions = [layer for layer in trained._flatten_layers() if isinstance(layer, keras.layers.Conv2D)]
    assert {layer.dtype_policy.name for layer in convolutions} == {
        dtype
    } and keras.config.dtype_policy().name == "float32"
    assert trained.jit_compile == changes.get("jit_compile", False)
    scaled = isinstance(trained.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (dtype == "mixed_float16")
    if scaled:  # a training that was stopped goes on with the scale that it had
        assert any(variable is trained.optimizer.dynamic_scale for variable in state_of(trained))
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}
    for value, wanted in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(value, wanted)
    model.save(tmp_path / "model.keras")
    x = Split(examples, "test").x[:8]
    pre = keras.saving.load_model(tmp_path / "model.keras", compile=False).pre
    found = predict(pre, x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, predict(model.pre, x), rtol=1e-5, atol=1e-5)
