"""The edge bundle on disk: its manifest, checked, and its halves, run by LiteRT."""

from __future__ import annotations

import json
import os

import numpy as np

from serving.edge import manifest
from serving.edge.errors import BundleError
from serving.edge.keys import Key


def load_manifest(folder: str) -> manifest.Manifest:
    """Reads a bundle's manifest and checks the bundle's files against its hashes.

    Raises:
        BundleError: If the manifest is not there or of another schema, or a file is missing or changed.
    """
    path = os.path.join(folder, manifest.FILE)
    try:
        with open(path, encoding="utf-8") as file:
            described = manifest.Manifest.from_json(file.read())
    except OSError as error:
        raise BundleError(f"{folder} is no bundle: {error.strerror} ({path})") from error
    except (ValueError, TypeError, json.JSONDecodeError) as error:
        raise BundleError(f"cannot use {path}: {error}; make the bundle again with this version") from error
    present = manifest.hash_files(folder)
    for name, expected in described.files.items():
        if present.get(name) != expected:
            what = "is missing" if name not in present else "was changed"
            raise BundleError(f"{os.path.join(folder, name)} {what} since the bundle was made")
    return described


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
