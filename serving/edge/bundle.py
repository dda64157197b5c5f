"""Bundles on disk: their manifests, checked, and the halves of a split model, run by LiteRT."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

from serving.edge import manifest, preprocess, signing
from serving.edge.errors import BundleError
from serving.edge.keys import Key
from serving.edge.litert import Signature
from serving.edge.mixing import check_mixing, demixed, mixed

SPLIT, EDGE_ONLY = "split", "edge_only"
_MOST_BYTES = 16 << 20  # of a manifest
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

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one preprocessed input."""

    @property
    def preprocessing(self) -> dict:
        """How a file becomes an input."""


Kind = TypeVar("Kind", bound=Described)


def load_manifest(folder: str, trusted_key: bytes | None = None) -> manifest.Manifest:
    """Reads the manifest of a split model's bundle and checks the bundle's files against its hashes.

    Args:
        folder: The bundle.
        trusted_key: Public key (PEM, Ed25519) of who must have signed the manifest (`serving.edge.signing`); None: the
            bundle is believed whoever made it.

    Raises:
        BundleError: If the manifest is not there, of another kind or schema, not signed by the key's owner, or a file
            is missing or changed.
    """
    return read_manifest(folder, SPLIT, manifest.Manifest.from_json, trusted_key)


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


def read_manifest(folder: str, kind: str, from_json: Callable[[bytes], Kind], trusted_key: bytes | None = None) -> Kind:
    """Reads a bundle's manifest and checks the bundle's files against its hashes.

    Args:
        folder: The bundle.
        kind: The kind that it must be of, `SPLIT` or `EDGE_ONLY`.
        from_json: Makes the manifest from the text of its file; raises ValueError if it cannot.
        trusted_key: Of `load_manifest`.

    Raises:
        BundleError: If the manifest is not there, of another kind or schema, not signed by the key's owner, or a file
            is missing or changed.
    """
    text, found = _read(folder)
    if trusted_key is not None:
        signing.check(folder, text, trusted_key)
    if found != kind:
        raise BundleError(f"{folder} {_INSTEAD[found]}")
    try:
        described = from_json(text)
        shape = preprocess.from_config(described.preprocessing).shape
        if shape != described.input_shape:
            raise ValueError(f"its preprocessing makes inputs of {shape}, its model takes {described.input_shape}")
    except ValueError as error:
        raise _unusable(folder, error) from error
    try:
        for name in described.files:
            manifest.read_file(folder, described.files, name)
    except ValueError as error:
        raise BundleError(str(error)) from error
    return described


def _read(folder: str) -> tuple[bytes, str]:
    """The text of a manifest and the bundle's kind."""
    path = os.path.join(folder, manifest.FILE)
    try:
        with open(path, "rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
        values = json.loads(text)
        kind = values.get("kind", SPLIT) if isinstance(values, dict) else None
        if kind not in (SPLIT, EDGE_ONLY):
            raise ValueError(f"expected the manifest of a bundle, its kind is {kind!r}")
    except OSError as error:
        raise BundleError(f"{folder} is no bundle: {error.strerror} ({path})") from error
    except (ValueError, RecursionError) as error:
        raise _unusable(folder, error) from error
    return text, kind


def _unusable(folder: str, error: Exception) -> BundleError:
    path = os.path.join(folder, manifest.FILE)
    return BundleError(f"cannot use {path}: {error}; make the bundle again with this version")


class Halves:
    """M_pre and M_post, as LiteRT runs them, one group at a time; this process mixes between them.

    The files hold mixing and de-mixing, too, for other clients. Here they get the identity as their key: what leaves
    is mixed whatever they make of a key, and no key enters LiteRT's memory. They are asked once whether they mix as
    they should, because whoever made them otherwise made them for somebody who would not notice.

    Args:
        folder: The bundle.
        described: Its manifest.
        precision: Which halves: `"float32"`, `"float16"` (weights) or `"int8"` (weights).
        threads: Threads for each half.

    Raises:
        BundleError: If the bundle has no halves of that precision, or they do not mix or de-mix.
    """

    def __init__(self, folder: str, described: manifest.Manifest, precision: str, threads: int) -> None:
        if precision not in described.halves:
            raise BundleError(f"this bundle has halves in {sorted(described.halves)}, not in {precision!r}")
        (pre, post), size, files = described.halves[precision], described.group_size, described.files
        key, inputs, features = (size, size), (size, *described.input_shape), (size, *described.feature_shape)
        answers, outputs = (size, *described.answer_shape), (size, len(described.labels))
        self._pre = Signature(folder, files, pre, manifest.MIX, {"x": inputs, "key": key}, features, threads)
        self._post = Signature(folder, files, post, manifest.DEMIX, {"y": answers, "key": key}, outputs, threads)
        self._identity = np.eye(size, dtype=np.float32)
        self._constant = _constant(folder, described)
        check_mixing(folder, self._pre, self._post, inputs, answers, self._constant)

    def mix(self, x: np.ndarray, key: Key) -> np.ndarray:
        """Mixtures, float32 `[S_G, ...]`, of one group of inputs, float32 `[S_G, ...]`."""
        return mixed(self._pre.run(x=x, key=self._identity), key.matrix)

    def demix(self, y: np.ndarray, key: Key) -> np.ndarray:
        """Outputs (logits), float32 `[S_G, classes]`, of the cloud's answers to one group."""
        return self._post.run(y=demixed(y, key.matrix, self._constant), key=self._identity)


def _constant(folder: str, described: manifest.Manifest) -> np.ndarray | float:
    """What the cloud answers to zero, float32 `[...]`, where the model takes it off; else 0."""
    if not described.constant:
        return 0.0
    content = manifest.read_file(folder, described.files, described.constant)
    values = np.frombuffer(content, "<f4") if len(content) % 4 == 0 else np.zeros(0, np.float32)
    if values.size != math.prod(described.answer_shape):
        raise BundleError(
            f"{os.path.join(folder, described.constant)} cannot be used: expected float32 of shape "
            f"{described.answer_shape}, it has {len(content)} bytes"
        )
    return values.reshape(described.answer_shape)


class Ends:
    """M_pre and M_post without mixing, as LiteRT runs them, one input at a time; for covers that are drawn.

    The arguments are those of `Halves`.

    Raises:
        BundleError: If the bundle has none of that precision.
    """

    def __init__(self, folder: str, described: manifest.Manifest, precision: str, threads: int) -> None:
        if precision not in described.drawn:
            raise BundleError(f"this bundle draws covers in {sorted(described.drawn)}, not in {precision!r}")
        (encode, finish), files = described.drawn[precision], described.files
        inputs, codes = {"x": (1, *described.input_shape)}, (1, *described.feature_shape)
        answers, outputs = {"y": (1, *described.answer_shape)}, (1, len(described.labels))
        self._encode = Signature(folder, files, encode, manifest.ENCODE, inputs, codes, threads)
        self._finish = Signature(folder, files, finish, manifest.FINISH, answers, outputs, threads)

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Codes without noise, float32 `[k, d]`, of inputs, float32 `[k, ...]`."""
        return np.concatenate([self._encode.run(x=row[None]) for row in x])

    def finish(self, y: np.ndarray) -> np.ndarray:
        """Outputs (logits), float32 `[k, classes]`, of the de-mixed answers, float32 `[k, ...]`."""
        return np.concatenate([self._finish.run(y=row[None]) for row in y])
