"""Bundles on disk: their manifests, checked, and the halves of a split model, run by LiteRT."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

from serving.edge import manifest
from serving.edge.errors import BundleError
from serving.edge.keys import Key

SPLIT, EDGE_ONLY = "split", "edge_only"
#: What a bundle is, where one of the other kind was wanted.
_INSTEAD = {
    SPLIT: "is the bundle of a split model, which needs a cloud: serving.edge.client.EdgeClient, or predict with --url",
    EDGE_ONLY: "is an edge-only bundle, of which nothing is sent: serving.edge.edge_only.EdgeOnlyModel, or predict "
    "without --url",
}


class Described(Protocol):
    """A manifest of either kind."""

    @property
    def files(self) -> dict[str, str]:
        """File name -> SHA-256 of the bundle's files."""


Kind = TypeVar("Kind", bound=Described)


def load_manifest(folder: str) -> manifest.Manifest:
    """Reads the manifest of a split model's bundle and checks the bundle's files against its hashes.

    Raises:
        BundleError: If the manifest is not there, of another kind or schema, or a file is missing or changed.
    """
    return read_manifest(folder, SPLIT, manifest.Manifest.from_json)


def gateway_keys(described: manifest.Manifest) -> bytes:
    """The key configurations of the cloud's Oblivious HTTP gateway (`application/ohttp-keys`); empty if there are none.

    Raises:
        BundleError: If one is not what its fingerprint says.
    """
    configs = []
    for fingerprint, text in described.gateway_keys.items():
        try:
            configs.append(base64.b64decode(text, validate=True))
        except (TypeError, ValueError):
            configs.append(b"")
        if hashlib.sha256(configs[-1]).hexdigest() != fingerprint:
            raise BundleError(f"the gateway's key {fingerprint} in the bundle was changed; get the bundle again")
    return b"".join(configs)


def kind_of(folder: str) -> str:
    """The kind of the bundle in a folder: `SPLIT` or `EDGE_ONLY`.

    Raises:
        BundleError: If the manifest is not there, cannot be read or names another kind.
    """
    return _read(folder)[1]


def read_manifest(folder: str, kind: str, from_json: Callable[[str], Kind]) -> Kind:
    """Reads a bundle's manifest and checks the bundle's files against its hashes.

    Args:
        folder: The bundle.
        kind: The kind that it must be of, `SPLIT` or `EDGE_ONLY`.
        from_json: Makes the manifest from the text of its file; raises ValueError or TypeError if it cannot.

    Raises:
        BundleError: If the manifest is not there, of another kind or schema, or a file is missing or changed.
    """
    text, found = _read(folder)
    if found != kind:
        raise BundleError(f"{folder} {_INSTEAD[found]}")
    try:
        described = from_json(text)
    except (ValueError, TypeError, KeyError) as error:
        raise _unusable(folder, error) from error
    present = manifest.hash_files(folder)
    for name, expected in described.files.items():
        if present.get(name) != expected:
            what = "is missing" if name not in present else "was changed"
            raise BundleError(f"{os.path.join(folder, name)} {what} since the bundle was made")
    return described


def _read(folder: str) -> tuple[str, str]:
    """The text of a manifest and the bundle's kind."""
    path = os.path.join(folder, manifest.FILE)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        values = json.loads(text)
        kind = values.get("kind", SPLIT) if isinstance(values, dict) else None
        if kind not in (SPLIT, EDGE_ONLY):
            raise ValueError(f"expected the manifest of a bundle, its kind is {kind!r}")
    except OSError as error:
        raise BundleError(f"{folder} is no bundle: {error.strerror} ({path})") from error
    except ValueError as error:
        raise _unusable(folder, error) from error
    return text, kind


def _unusable(folder: str, error: Exception) -> BundleError:
    path = os.path.join(folder, manifest.FILE)
    return BundleError(f"cannot use {path}: {error}; make the bundle again with this version")


class Halves:
    """M_pre with mixing and de-mixing with M_post, as LiteRT runs them, one group at a time.

    Args:
        folder: The bundle.
        described: Its manifest.
        precision: Which halves: `"float32"`, `"float16"` (weights) or `"int8"` (weights).
        threads: Threads for each half.

    Raises:
        BundleError: If the bundle has no halves of that precision.
    """

    def __init__(self, folder: str, described: manifest.Manifest, precision: str, threads: int) -> None:
        if precision not in described.halves:
            raise BundleError(f"this bundle has halves in {sorted(described.halves)}, not in {precision!r}")
        pre, post = described.halves[precision]
        self._pre = _Half(os.path.join(folder, pre), manifest.MIX, threads)
        self._post = _Half(os.path.join(folder, post), manifest.DEMIX, threads)

    def mix(self, x: np.ndarray, key: Key) -> np.ndarray:
        """Mixtures, float32 `[S_G, ...]`, of one group of inputs, float32 `[S_G, ...]`."""
        return self._pre.run("x", x, key)

    def demix(self, y: np.ndarray, key: Key) -> np.ndarray:
        """Outputs (logits), float32 `[S_G, classes]`, of the cloud's answers to one group."""
        return self._post.run("y", y, key)


class Ends:
    """M_pre and M_post without mixing, as LiteRT runs them, one input at a time; for covers that are drawn.

    The arguments are those of `Halves`.

    Raises:
        BundleError: If the bundle has none of that precision.
    """

    def __init__(self, folder: str, described: manifest.Manifest, precision: str, threads: int) -> None:
        if precision not in described.drawn:
            raise BundleError(f"this bundle draws covers in {sorted(described.drawn)}, not in {precision!r}")
        encode, finish = described.drawn[precision]
        self._encode = _Half(os.path.join(folder, encode), manifest.ENCODE, threads)
        self._finish = _Half(os.path.join(folder, finish), manifest.FINISH, threads)

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Codes without noise, float32 `[k, d]`, of inputs, float32 `[k, ...]`."""
        return np.concatenate([self._encode.run("x", row[None]) for row in x])

    def finish(self, y: np.ndarray) -> np.ndarray:
        """Outputs (logits), float32 `[k, classes]`, of the de-mixed answers, float32 `[k, ...]`."""
        return np.concatenate([self._finish.run("y", row[None]) for row in y])


class _Half:
    def __init__(self, path: str, signature: str, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=path, num_threads=threads)
        self._interpreter.allocate_tensors()
        runner = self._interpreter.get_signature_runner(signature)
        self._inputs = {name: detail["index"] for name, detail in runner.get_input_details().items()}
        ((_, output),) = runner.get_output_details().items()
        self._output = output["index"]

    def run(self, name: str, values: np.ndarray, key: Key | None = None) -> np.ndarray:
        interpreter = self._interpreter
        interpreter.set_tensor(self._inputs[name], np.ascontiguousarray(values, np.float32))
        if key is None:
            interpreter.invoke()
            return interpreter.get_tensor(self._output)
        try:
            interpreter.set_tensor(self._inputs["key"], key.matrix)
            interpreter.invoke()
        finally:
            # The interpreter keeps its inputs until the next call; a key must not stay there.
            interpreter.tensor(self._inputs["key"])()[...] = 0
        return interpreter.get_tensor(self._output)
