"""The edge bundle's manifest.json: what the halves take and give, and which cloud model they belong to."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from typing import Any

SCHEMA_VERSION = 2
FILE = "manifest.json"
PRE, POST = "pre.tflite", "post.tflite"
MIX, DEMIX = "mix", "demix"
ENCODER, FINISHER = "encode.tflite", "finish.tflite"
ENCODE, FINISH = "encode", "finish"


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What an edge client needs to know.

    Attributes:
        model_name: Name of the cloud model.
        model_version: Its version.
        fingerprint: Digits that every packed answer of the cloud model carries.
        signature: The cloud model's signature for numbers, with its `input_name` and `output_name`.
        packed_signature: Its signature for packed bytes (`serving.protocol.wire`).
        group_size: Inputs in a group (S_G); pre and post work on one group at a time.
        input_shape: Shape of one preprocessed input; dtype float32.
        feature_shape: Shape of one mixture as it is sent; dtype float32.
        answer_shape: Shape of the cloud's answer to one mixture; dtype float32.
        task: `"binary"` (independent labels; a sigmoid makes probabilities) or `"categorical"` (a softmax does).
        labels: Names of the outputs.
        preprocessing: How a file becomes an input (`serving.edge.preprocess`).
        noise_stddev: Standard deviation of the Gaussian noise that the client adds to every number that it sends.
        halves: Precision -> names of the files of M_pre and M_post in it.
        drawn: Where covers may be drawn (`serving.edge.drawn`): precision -> names of the files of M_pre and M_post
            without mixing, for one input at a time; empty where covers must be collected.
        files: File name -> SHA-256 of the bundle's files.
        gateway_keys: Of the Oblivious HTTP gateway, if the cloud has one: SHA-256 -> base64 of each key configuration.
        cloud_files: Path inside the version folder -> SHA-256 of the cloud model's files.
    """

    model_name: str
    model_version: int
    fingerprint: str
    signature: str
    packed_signature: str
    input_name: str
    output_name: str
    group_size: int
    input_shape: tuple[int, ...]
    feature_shape: tuple[int, ...]
    answer_shape: tuple[int, ...]
    task: str
    labels: tuple[str, ...]
    preprocessing: dict[str, Any]
    halves: dict[str, tuple[str, str]]
    files: dict[str, str]
    cloud_files: dict[str, str]
    noise_stddev: float = 0.0
    drawn: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    gateway_keys: dict[str, str] = dataclasses.field(default_factory=dict)
    dtype: str = "float32"
    schema: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """The text of the manifest's file, which `from_json` reads."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Reads a manifest. Raises ValueError if it is of another schema."""
        values = json.loads(text)
        if values.get("schema") != SCHEMA_VERSION:
            raise ValueError(f"expected a manifest of schema {SCHEMA_VERSION}, this one is {values.get('schema')!r}")
        for field in dataclasses.fields(cls):
            if isinstance(values.get(field.name), list):
                values[field.name] = tuple(values[field.name])
        return cls(**values)


def hash_files(folder: str) -> dict[str, str]:
    """SHA-256 of every file under `folder`, by its path relative to it."""
    hashes = {}
    for parent, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                hashes[os.path.relpath(path, folder).replace(os.sep, "/")] = hashlib.file_digest(
                    file, "sha256"
                ).hexdigest()
    return hashes
