"""A finished run, loaded for the demo: its bundle, the cloud's model, and the examples that go with them."""

from __future__ import annotations

import dataclasses
import functools
import os
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from components.errors import InputError
from components.records.dataset import DatasetSchema
from components.records.metrics import METRICS_FILE, Metrics
from components.records.serialising import read
from components.report.artist import recordings
from components.storage import files
from components.storage.artifacts import Examples, RawExamples
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
TEST_COVERS = (
    "test examples of the run, with which whoever has the data set undoes the mixing: your own client's must be secret"
)
#: Data sets -> what stands at the top of the page of a model that was trained on them.
OUTSIDE = {
    "avatars": "This model knows drawn faces alone. Photos of people are outside of what it knows: what it answers to "
    "them means nothing.",
    "tones": "This model knows ten invented words of invented voices alone. Words that people say are outside of what "
    "it knows: what it answers to them means nothing.",
}


@dataclasses.dataclass(frozen=True)
class LoadedRun:
    """What the demo uses of a run, or of a model that is part of this package (`pipeline.demo.shipped`).

    Attributes:
        schema: Of the examples that the model was trained on.
        manifest: Of the bundle.
        edge: Folder of the bundle.
        halves: The bundle's; they hold one group, so that only one thread may use them at a time.
        served: Folder of the cloud's model, with its versions.
        names, x, y: Examples to show: names, inputs float32 `[n, ...]`, labels int32.
        sounds: Names of some of them -> their WAV files, by name; called for recordings alone.
        known: The attacker's own examples, `[n, ...]`; read when it is called.
        known_count: How many these are.
        known_told: What these are.
        covers: What completes groups where the client cannot draw it, `[n, ...]`.
        covers_told: What these are.
        title: What the page calls it.
        answer: What the run recommends for its task, or nothing where it does not say.
        notes: Paragraphs for the top of the page: what the model knows, and what it does not.
        samples: Names of examples that the page offers one by one.
        level: Peak that a word from the microphone is brought to, as a share of the largest; `None`: none.
    """

    schema: DatasetSchema
    manifest: Manifest
    edge: str
    halves: Halves
    served: str
    names: list[str]
    x: np.ndarray
    y: np.ndarray
    sounds: Callable[[Iterable[str]], dict[str, bytes]]
    known: Callable[[], Any]
    known_count: int
    known_told: str
    covers: np.ndarray
    covers_told: str
    title: str
    answer: str = ""
    notes: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    level: float | None = None

    def client(self, url: str, **options) -> EdgeClient:
        """An edge client of the bundle. It draws its covers; where the model does not allow that, it takes `covers`.

        Args:
            url: The cloud's REST API.
            **options: Of `EdgeClient`.

        Raises:
            EdgeError: If the bundle or the URL cannot be used.
        """
        covers = None if self.draws_covers else self.covers
        return EdgeClient(self.edge, url, covers=covers, wire=WIRE, **options)

    @property
    def draws_covers(self) -> bool:
        """Whether its clients draw their covers."""
        return bool(self.manifest.drawn)

    def features(self, x: np.ndarray, seed: int = 0) -> np.ndarray:
        """Features of inputs `[n, ...]` as the edge computes them, with its noise, of a seed; float32 `[n, ...]`."""
        size = self.manifest.group_size
        unmixed = types.SimpleNamespace(matrix=np.eye(size, dtype=np.float32))
        groups = [np.resize(x[start : start + size], (size, *x.shape[1:])) for start in range(0, len(x), size)]
        found = np.concatenate([self.halves.mix(group.astype(np.float32), unmixed) for group in groups])[: len(x)]
        noise = np.random.default_rng(seed).standard_normal(found.shape, np.float32)
        return found + self.manifest.noise_stddev * noise


def load_run(folder: str) -> LoadedRun:
    """Loads the output folder of a finished run.

    Raises:
        InputError: If it is none, is in an object store, lacks serving/ or edge/, or mixes no groups of at least 2.
    """
    if files.is_remote(folder):
        raise InputError(f"expected a folder on this machine, received {folder}; copy the run here first")
    examples = artifact_of(folder, Examples, "transform", "examples", "schema.json")
    raw = artifact_of(folder, RawExamples, "example_gen", "examples", "schema.json")
    schema = examples.schema()
    tested = Split(examples, "test")
    rows = sampled_rows(len(tested), most_rows(schema.shape))
    names, x, y = tested.names(rows), tested.x[rows].astype(np.float32), tested.labels(rows=rows)
    return LoadedRun(
        schema,
        **halves_of(folder),
        names=names,
        x=x,
        y=y,
        sounds=functools.partial(recordings, raw),
        known=lambda: Split(examples, "train").x,
        known_count=schema.splits["train"],
        known_told="train examples",
        covers=x[:MOST_COVERS],
        covers_told=TEST_COVERS,
        title=schema.name,
        notes=(OUTSIDE[schema.name],) if schema.name in OUTSIDE else (),
    )


def halves_of(folder: str) -> dict[str, Any]:
    """What a run's folder has of its packaged model: the fields `manifest`, `edge`, `halves`, `served` and `answer`.

    Raises:
        InputError: If it lacks serving/ or edge/, or mixes no groups of at least 2.
    """
    edge, manifest = _bundle(folder)
    served = os.path.join(folder, "serving", manifest.model_name)
    if manifest.model_version not in versions_in(served):
        raise InputError(
            f"expected the model of the bundle in {os.path.join(served, str(manifest.model_version))}, found none; "
            "run `python -m pipeline.run` to its end: it pushes both"
        )
    if manifest.group_size < 2:
        raise InputError(f"expected a model that mixes groups of at least 2, {edge} has groups of 1; nothing is mixed")
    halves = Halves(edge, manifest, "float32", 1)
    return {"manifest": manifest, "edge": edge, "halves": halves, "served": served, "answer": _answer(folder)}


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
