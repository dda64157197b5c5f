"""The edge-only bundle: a whole model that runs here, for tasks that need no cloud; nothing is sent."""

from __future__ import annotations

import dataclasses
import json
import threading
from typing import Any

import numpy as np

from serving.edge import examples, manifest, preprocess
from serving.edge.bundle import EDGE_ONLY, kind_of, read_manifest
from serving.edge.bundle import load_manifest as load_split_manifest
from serving.edge.litert import Signature

SCHEMA_VERSION = 1
FILE = "model.tflite"
SIGNATURE, INPUT = "run", "x"


@dataclasses.dataclass(frozen=True)
class EdgeOnlyManifest:
    """What an edge-only model takes and gives.

    Attributes:
        input_shape: Shape of one preprocessed input; dtype float32.
        task: `"binary"` (independent labels; a sigmoid makes probabilities) or `"categorical"` (a softmax does).
        labels: Names of the outputs.
        preprocessing: How a file becomes an input (`serving.edge.preprocess`).
        files: File name -> SHA-256 of the bundle's files.
        kind: Tells it from the manifest of a split model, which has none.
    """

    input_shape: tuple[int, ...]
    task: str
    labels: tuple[str, ...]
    preprocessing: dict[str, Any]
    files: dict[str, str]
    kind: str = EDGE_ONLY
    schema: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        manifest.check_files(self.files, {FILE})
        manifest.check_shape("input_shape", self.input_shape)
        manifest.check_outputs(self.task, self.labels)

    def to_json(self) -> str:
        """The text of the manifest's file, which `from_json` reads."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> EdgeOnlyManifest:
        """Reads a manifest. Raises ValueError if it is of another schema, or of one with values that cannot be."""
        return manifest.parsed(text, cls, SCHEMA_VERSION)


def load_manifest(folder: str, trusted_key: bytes | None = None) -> EdgeOnlyManifest:
    """Reads an edge-only bundle's manifest and checks the bundle's files against its hashes.

    `trusted_key` is that of `serving.edge.bundle.load_manifest`.

    Raises:
        BundleError: If the manifest is not there, of another kind or schema, not signed by the key's owner, or a file
            is missing or changed.
    """
    return read_manifest(folder, EDGE_ONLY, EdgeOnlyManifest.from_json, trusted_key)


def load_either(folder: str, trusted_key: bytes | None = None) -> EdgeOnlyManifest | manifest.Manifest:
    """The checked manifest of a bundle of either kind, as of `load_manifest`."""
    load = load_manifest if kind_of(folder) == EDGE_ONLY else load_split_manifest
    return load(folder, trusted_key)


class EdgeOnlyModel:
    """Predicts without a cloud.

    Args:
        bundle: Folder of the edge-only bundle.
        threads: Threads of the model; default: LiteRT's.
        trusted_key: Public key of who must have signed the bundle (`serving.edge.signing`), or None.

    Attributes:
        manifest: The bundle's `EdgeOnlyManifest`.

    Raises:
        BundleError: If the bundle cannot be used.
    """

    def __init__(self, bundle: str, threads: int | None = None, trusted_key: bytes | None = None) -> None:
        self.manifest = load_manifest(bundle, trusted_key)
        self._preprocessing = preprocess.from_config(self.manifest.preprocessing)
        shapes = {INPUT: (1, *self.manifest.input_shape)}, (1, len(self.manifest.labels))
        self._model = Signature(bundle, self.manifest.files, FILE, SIGNATURE, *shapes, threads)
        self._lock = threading.Lock()  # the interpreter holds one input

    def load(self, paths: list[str]) -> np.ndarray:
        """Inputs from files, preprocessed as in training, `[files, ...]`.

        Raises:
            EdgeError: If a file cannot be read or used; the text names it.
        """
        return examples.load(paths, self._preprocessing)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of the labels. May be called from several threads, which take turns.

        Args:
            x: `[inputs, ...]` of the manifest's `input_shape`, preprocessed (`load` makes them from files).

        Returns:
            float32 `[inputs, labels]`.

        Raises:
            ValueError: If `x` has another shape or numbers that are not finite.
        """
        x = examples.checked(x, self.manifest.input_shape)
        logits = np.empty((len(x), len(self.manifest.labels)), np.float32)
        with self._lock:
            for index in range(len(x)):
                logits[index] = self._model.run(**{INPUT: x[index : index + 1]})[0]
        return examples.probabilities(logits, self.manifest.task)
