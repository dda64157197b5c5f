"""The edge bundle's manifest.json: what the halves take and give, and which cloud model they belong to."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from typing import Any, TypeVar

from serving.edge.file_names import leads_out

SCHEMA_VERSION = 2
FILE = "manifest.json"
#: Most numbers of one group of inputs, features or answers: 1 GiB of float32.
MAX_NUMBERS = 2**28
PRE, POST = "pre.tflite", "post.tflite"
MIX, DEMIX = "mix", "demix"
ENCODER, FINISHER = "encode.tflite", "finish.tflite"
ENCODE, FINISH = "encode", "finish"
CONSTANT = "constant.float32"


@dataclasses.dataclass(frozen=True)
class MeasuredAttack:
    """What an attack made of this model before it was packaged.

    Attributes:
        name: Of the attack.
        threat: Its threat model (docs/concepts/threat-model.md).
        measure: What `score` and `chance` are of.
        score: What it reaches.
        chance: What guessing reaches.
        n: Samples behind the score.
    """

    name: str
    threat: str
    measure: str
    score: float
    chance: float
    n: int


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
        constant: Name of the file with the cloud's answer to zero, raw little-endian float32 of `answer_shape`, which
            is taken off before de-mixing and put back after; empty where the model was trained without.
        attacks: What was measured of the model, the worst attack of each threat model; none: nothing was.
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
    constant: str = ""
    attacks: tuple[MeasuredAttack, ...] = ()
    dtype: str = "float32"
    schema: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if "float32" not in self.halves:
            raise ValueError(f"expected halves in float32, there are halves in {sorted(self.halves) or 'none'}")
        used = {name for pairs in (self.halves, self.drawn) for pair in pairs.values() for name in pair}
        check_files(self.files, used | ({self.constant} if self.constant else set()))
        check_shape("group_size", (self.group_size,))
        for name in ("input_shape", "feature_shape", "answer_shape"):
            check_shape(name, getattr(self, name), self.group_size)
        check_outputs(self.task, self.labels)
        if not 0 <= self.noise_stddev < float("inf"):
            raise ValueError(f"expected a noise_stddev of at least 0, received {self.noise_stddev}")

    def to_json(self) -> str:
        """The text of the manifest's file, which `from_json` reads."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Reads a manifest. Raises ValueError if it is of another schema, or of one with values that cannot be."""
        return parsed(text, cls, SCHEMA_VERSION)


Kind = TypeVar("Kind")


def parsed(text: str | bytes, kind: type[Kind], schema: int) -> Kind:
    """A manifest, a dataclass, from the text of its file: every field there, known and of its type.

    Raises:
        ValueError: If it is not; the text says where.
    """
    import msgspec

    try:
        values = msgspec.json.decode(text)
        if not isinstance(values, dict):
            raise ValueError("expected a JSON object")
        if values.get("schema") != schema:
            raise ValueError(f"expected a manifest of schema {schema}, this one is {values.get('schema')!r}")
        unknown = values.keys() - {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
        if unknown:
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        return msgspec.convert(values, kind)
    except (RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"not readable as JSON: {error}") from error


def check_files(files: dict[str, str], used: set[str]) -> None:
    """Raises ValueError unless all names are of files inside the bundle, and those that are used have hashes."""
    for name in [*files, *sorted(used)]:
        if not name or name == FILE or name.startswith("/") or set("\\:\0") & set(name) or ".." in name.split("/"):
            raise ValueError(f"expected the names of files inside the bundle, received {name!r}")
    if missing := sorted(used - files.keys()):
        raise ValueError(f"expected a hash in `files` for every file that is used, there is none for {missing}")


def check_shape(name: str, shape: tuple[int, ...], rows: int = 1) -> None:
    """Raises ValueError unless sizes are at least 1 and `rows` of them fit into memory."""
    # Python's integers: NumPy's would wrap around.
    numbers = rows
    for size in shape:
        numbers *= size
    if min(shape, default=1) < 1 or numbers > MAX_NUMBERS:
        raise ValueError(
            f"expected {name} of sizes from 1, at most {MAX_NUMBERS} numbers in a group; received {list(shape)}"
        )


def check_outputs(task: str, labels: tuple[str, ...]) -> None:
    """Raises ValueError unless the task is known and there are labels."""
    if task not in ("binary", "categorical") or not labels:
        raise ValueError(
            f"expected the task binary or categorical, and labels; received {task!r}, {len(labels)} labels"
        )


def read_file(folder: str, files: dict[str, str], name: str) -> bytes:
    """The content of a file of a bundle, checked against its hash: what is used is what was checked.

    Args:
        folder: The bundle.
        files: File name -> SHA-256, of its manifest.
        name: One of them.

    Raises:
        ValueError: If the file is missing, changed, or lies outside of the folder; the text has its path.
    """
    path = os.path.join(folder, name)
    if leads_out(folder, name):
        raise ValueError(f"{path} leads out of the bundle")
    if not os.path.isfile(path):
        raise ValueError(f"{path} is missing since the bundle was made")
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != files[name]:
        raise ValueError(f"{path} was changed since the bundle was made")
    return content


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
