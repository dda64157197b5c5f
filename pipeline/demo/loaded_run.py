"""A finished run, loaded for the demo: its bundle, its examples, and the trained model behind the bundle."""

from __future__ import annotations

import dataclasses
import os
import types

import numpy as np

from components.errors import InputError
from components.records.dataset import DatasetSchema
from components.records.metrics import METRICS_FILE, Metrics
from components.records.serialising import read
from components.storage import files
from components.storage.artifacts import Examples, Models, RawExamples
from components.training import models as trained
from components.training.networks import ModelConfig
from components.training.splits import Split
from datamix_tf.sampling import most_rows, sampled_rows
from pipeline.orchestration.finished_run import artifact_of
from serving.cloud.model_config import versions_in
from serving.edge.bundle import Halves, load_manifest
from serving.edge.client import EdgeClient
from serving.edge.errors import BundleError
from serving.edge.manifest import Manifest

WIRE = "float16"  #: how mixtures travel; the client's default
MOST_COVERS = 512
TOLERANCE = 1e-3  # relative to the largest feature; the packager demands 1e-4 of one group


@dataclasses.dataclass(frozen=True)
class LoadedRun:
    """What the demo uses of a run.

    Attributes:
        raw: The examples as they were ingested.
        examples: The decoded examples.
        schema: Theirs.
        models: The trained models.
        manifest: Of the bundle.
        edge: Folder of the bundle.
        halves: The bundle's; they hold one group, so that only one thread may use them at a time.
        served: Folder of the cloud's model, with its versions.
        names, x, y: The test split: names, inputs float32 `[n, ...]`, labels int32.
        answer: What the run recommends for its task, or nothing where it does not say.
    """

    raw: RawExamples
    examples: Examples
    schema: DatasetSchema
    models: Models
    manifest: Manifest
    edge: str
    halves: Halves
    served: str
    names: list[str]
    x: np.ndarray
    y: np.ndarray
    answer: str = ""

    def client(self, url: str, **options) -> EdgeClient:
        """An edge client of the bundle. It draws its covers; where the model does not allow that, it takes test
        examples.

        Whoever has the data set has these, too, and can undo the mixing with them.

        Args:
            url: The cloud's REST API.
            **options: Of `EdgeClient`.

        Raises:
            EdgeError: If the bundle or the URL cannot be used.
        """
        covers = None if self.draws_covers else self.x[:MOST_COVERS]
        return EdgeClient(self.edge, url, covers=covers, wire=WIRE, **options)

    @property
    def draws_covers(self) -> bool:
        """Whether its clients draw their covers."""
        return bool(self.manifest.drawn)

    def model(self):
        """The `DataMixModel` that the bundle was made of, known by what it computes: a run may have trained several.

        Raises:
            InputError: If none of the run's models computes what the bundle does.
        """
        size = self.manifest.group_size
        group = np.resize(self.x, (size, *self.x.shape[1:]))
        wanted = self.halves.mix(group, types.SimpleNamespace(matrix=np.eye(size, dtype=np.float32)))
        for name in trained.names(self.models):
            defence = ModelConfig.from_dict(trained.training(self.models, name).config).defence
            if defence.mixes and defence.group_size == size:
                model = trained.load(self.models, name)
                if _fits(model, self.manifest) and _same(_features(model, group), wanted):
                    return model
        raise InputError(
            f"expected a trained model that computes what the bundle {self.edge} does, found none among "
            f"{', '.join(trained.names(self.models)) or 'none'}; run `python -m pipeline.run` again, "
            "which packages one of them"
        )


def load_run(folder: str) -> LoadedRun:
    """Loads the output folder of a finished run.

    Raises:
        InputError: If it is none, is in an object store, lacks serving/ or edge/, or mixes no groups of at least 2.
    """
    if files.is_remote(folder):
        raise InputError(f"expected a folder on this machine, received {folder}; copy the run here first")
    examples = artifact_of(folder, Examples, "transform", "examples", "schema.json")
    models = artifact_of(folder, Models, "trainer", "models", "models.json")
    raw = artifact_of(folder, RawExamples, "example_gen", "examples", "schema.json")
    edge, manifest = _bundle(folder)
    served = os.path.join(folder, "serving", manifest.model_name)
    if manifest.model_version not in versions_in(served):
        raise InputError(
            f"expected the model of the bundle in {os.path.join(served, str(manifest.model_version))}, found none; "
            "run `python -m pipeline.run` to its end: it pushes both"
        )
    if manifest.group_size < 2:
        raise InputError(f"expected a model that mixes groups of at least 2, {edge} has groups of 1; nothing is mixed")
    schema = examples.schema()
    tested = Split(examples, "test")
    rows = sampled_rows(len(tested), most_rows(schema.shape))
    names, x, y = tested.names(rows), tested.x[rows], tested.labels(rows=rows)
    halves = Halves(edge, manifest, "float32", 1)
    return LoadedRun(
        raw, examples, schema, models, manifest, edge, halves, served, names, x.astype(np.float32), y, _answer(folder)
    )


def _answer(folder):
    path = os.path.join(folder, METRICS_FILE)
    answer = read(path, Metrics).answer if os.path.exists(path) else None
    return answer.text if answer else ""


def _bundle(folder):
    edge = os.path.join(folder, "edge")
    try:
        return edge, load_manifest(edge)
    except BundleError as error:
        raise InputError(
            f"{error}; expected the bundle that a finished `python -m pipeline.run` pushes; run it to its end"
        ) from error


def _features(model, x):
    """Features as the edge computes them: without the noise, which its client adds."""
    from datamix_tf.layers import without_noise

    quiet, _ = without_noise(model.pre)
    return np.asarray(quiet(x, training=False))


def _fits(model, manifest):
    shapes = manifest.input_shape, manifest.feature_shape
    return (tuple(model.pre.input_shape[1:]), tuple(model.pre.output_shape[1:])) == shapes


def _same(features, wanted):
    return np.abs(features - wanted).max() <= TOLERANCE * np.abs(wanted).max()
