"""Small finished runs: the folders of `python -m pipeline.run` that the demo opens, made by its components."""

from __future__ import annotations

import os
import pathlib
import shutil

import keras

from components.packager import Packager
from components.pusher import push_saved_model
from components.records.training import Training
from components.storage.artifacts import Evaluation, Models, write_json
from components.training.data import arrays
from components.training.networks import ModelConfig, build_model
from datamix_tf.defences import DataMix
from tests import pages
from tests.components.ingest import ingest, transform

CONFIG = ModelConfig(
    defence=DataMix(num_pre_blocks=1, group_size=4),
    backbone="splitnet",
    hidden_units=0,
    width=4,
    epochs=0,
    batch_size=16,
    curriculum=0.5,
    standardize=True,
    learning_rate=3e-3,
    weight_decay=0.01,
    augment=(),
    seed=0,
)


def finished_run(
    data: pathlib.Path, folder: pathlib.Path, preprocessing, configs=(CONFIG,), name="tiny"
) -> pathlib.Path:
    """Ingests a data folder and packages the last of some models; returns the run's output folder.

    The models keep their first random weights, with statistics of true batches: what is tested is the way of a group,
    not what is read at its end.
    """
    artifacts, serving = folder / "artifacts", str(folder / "serving")
    artifacts.mkdir(parents=True)
    examples = transform(ingest(data, artifacts), artifacts, preprocessing)
    models, x = Models(str(artifacts / "trainer" / "models")), arrays(examples, "train")[1][:32].astype("float32")
    for config in configs:
        keras.utils.set_random_seed(config.seed)
        os.makedirs(models.path(config.name))
        _settled(build_model(config, examples.schema()), x).save(models.path(config.name, "model.keras"))
        write_json(
            models.path(config.name, "training.json"),
            Training(config=config.to_dict(), seconds=0.0, steps=0, history={}),
        )
    write_json(models.path("models.json"), [config.name for config in configs])
    evaluation = Evaluation(str(artifacts / "evaluator" / "evaluation"))
    os.makedirs(evaluation.uri)
    write_json(evaluation.path("metrics.json"), pages.metrics([pages.row("cloud", "plain-seed0")]))
    packager = Packager(model=configs[-1].name, model_name=name, serving_folder=serving, edge_only="", gateway_keys={})
    inputs = {"examples": examples, "models": models, "evaluation": evaluation}
    package = packager.run(inputs, str(artifacts / "packager"))["package"]
    push_saved_model(package.path("serving"), os.path.join(serving, name, "1"))
    shutil.copytree(package.path("edge"), folder / "edge")
    return folder


def _settled(model, x):
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.5
    for _ in range(5):
        model(x, training=True)
    return model
