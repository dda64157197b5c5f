"""Which models a server offers, which of their versions, and under which labels."""

from __future__ import annotations

import dataclasses
import os
import re
from typing import TYPE_CHECKING, Any

from serving.cloud.servable import SAVED_MODEL
from serving.protocol.errors import ServingError

if TYPE_CHECKING:
    from serving.cloud.batching import BatchingParameters


@dataclasses.dataclass(frozen=True)
class ServedModel:
    """One model of a server.

    Attributes:
        name: Its name.
        base_path: Folder with one folder for each version.
        latest: How many of the highest versions are served; 0 serves `versions`; None serves all.
        versions: The versions to serve if `latest` is 0.
        labels: Label -> version.
    """

    name: str
    base_path: str
    latest: int | None = 1
    versions: tuple[int, ...] = ()
    labels: dict[str, int] = dataclasses.field(default_factory=dict, hash=False)

    def wanted(self) -> dict[int, str]:
        """The versions to serve that are on disk: version -> folder."""
        present = versions_in(self.base_path)
        if self.latest is None:
            return present
        chosen = sorted(present)[-self.latest :] if self.latest else self.versions
        return {version: present[version] for version in chosen if version in present}


def versions_in(base_path: str) -> dict[int, str]:
    """The whole versions in a model's folder: version -> folder. `saved_model.pb` comes last and makes them whole."""
    try:
        names = os.listdir(base_path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    folders = {int(name): os.path.join(base_path, name) for name in names if name.isdecimal()}
    return {version: folder for version, folder in folders.items() if os.path.exists(os.path.join(folder, SAVED_MODEL))}


def discover(base_path: str, model_name: str | None) -> list[ServedModel]:
    """The models under a base path.

    Args:
        base_path: One model's folder (with versions in it), or a folder of such folders.
        model_name: Name of the one model; default: the name of its folder.

    Raises:
        OSError: If the folder is there and cannot be read; nothing should be concluded from that.
    """
    if model_name or versions_in(base_path):
        name = model_name or os.path.basename(os.path.abspath(base_path))
        return [ServedModel(name, base_path)]
    try:
        folders = [entry for entry in os.scandir(base_path) if entry.is_dir() and not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    return [ServedModel(entry.name, entry.path) for entry in sorted(folders, key=lambda entry: entry.name)]


def read_config(path: str) -> list[ServedModel]:
    """Reads TensorFlow Serving's `models.config` (a `ModelServerConfig` in protobuf's text format).

    A base path that does not exist, such as a container's, is looked for beside the file under its last name.

    Raises:
        ServingError: If the file cannot be read or parsed.
    """
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    try:
        with open(path, encoding="utf-8") as file:
            config = text_format.Parse(file.read(), model_server_config_pb2.ModelServerConfig())
    except (OSError, ValueError, text_format.ParseError) as error:
        raise ServingError(400, f"cannot use the model configuration {path}: {error}") from error
    if config.WhichOneof("config") is None:
        raise ServingError(400, f"the model configuration {path} is empty")
    return [_served(model, os.path.dirname(os.path.abspath(path))) for model in config.model_config_list.config]


def read_batching(path: str) -> BatchingParameters:
    """Reads TensorFlow Serving's batching parameters (`max_batch_size { value: 64 }` and so on).

    Raises:
        ServingError: If the file cannot be read, names an unknown parameter or has a value below what is possible.
    """
    from serving.cloud.batching import BatchingParameters

    try:
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"#[^\n]*", "", file.read())
    except OSError as error:
        raise ServingError(400, f"cannot read the batching parameters: {error}") from error
    values = {name: int(value) for name, value in re.findall(r"(\w+)\s*\{\s*value\s*:\s*(\d+)\s*\}", text)}
    rest = re.sub(r"\w+\s*\{\s*value\s*:\s*\d+\s*\}", "", text).strip()
    known = {field.name for field in dataclasses.fields(BatchingParameters)}
    if rest or set(values) - known:
        wrong = rest or ", ".join(sorted(set(values) - known))
        raise ServingError(400, f"{path}: expected `name {{ value: N }}` for {sorted(known)}, received {wrong}")
    if any(value < 1 for name, value in values.items() if name != "batch_timeout_micros"):
        raise ServingError(400, f"{path}: values must be at least 1, received {values}")
    return BatchingParameters(**values)  # type: ignore[arg-type]


def _served(model: Any, folder: str) -> ServedModel:
    base_path = os.path.join(folder, model.base_path)
    beside = os.path.join(folder, os.path.basename(model.base_path.rstrip("/")))
    if not os.path.isdir(base_path) and os.path.isdir(beside):
        base_path = beside
    policy, latest, versions = model.model_version_policy, 1, ()
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        latest = None
    elif kind == "specific":
        latest, versions = 0, tuple(policy.specific.versions)
    elif kind == "latest":
        latest = policy.latest.num_versions or 1
    return ServedModel(model.name, base_path, latest, versions, dict(model.version_labels))
