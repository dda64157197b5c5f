"""Which models a server offers, which of their versions, and under which labels."""

from __future__ import annotations

import dataclasses
import logging
import os
import time
from typing import TYPE_CHECKING, Any

from serving.cloud import config_messages
from serving.cloud.servable import SAVED_MODEL
from serving.protocol.errors import ServingError

if TYPE_CHECKING:
    from serving.cloud.batching import BatchingParameters

PLATFORM = "tensorflow"
#: Where the metrics are, unless a `MonitoringConfig` says otherwise.
MONITORING_PATH = "/monitoring/prometheus/metrics"
_SHOWN = 10
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class ServedModel:
    """One model of a server.

    Attributes:
        name: Its name.
        base_path: Folder with one folder for each version.
        latest: How many of the highest versions are served; 0 serves `versions`; None serves all.
        versions: The versions to serve if `latest` is 0.
        labels: Label -> version.
        required: Whether the server is not ready without it. A folder without a version that lies beside the models is
            not.
    """

    name: str
    base_path: str
    latest: int | None = 1
    versions: tuple[int, ...] = ()
    labels: dict[str, int] = dataclasses.field(default_factory=dict, hash=False)
    required: bool = True

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
    folders = {int(name): os.path.join(base_path, name) for name in names if name.isascii() and name.isdecimal()}
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
    found = [
        ServedModel(entry.name, entry.path, required=bool(versions_in(entry.path)))
        for entry in sorted(folders, key=lambda entry: entry.name)
    ]
    if any(model.required for model in found):
        return found
    return [ServedModel(os.path.basename(os.path.abspath(base_path)), base_path)]  # nothing is there yet


def what_is_there(base_path: str) -> str:
    """What lies where no version was found, for whoever named the wrong folder: one sentence."""
    try:
        entries = sorted(os.scandir(base_path), key=lambda entry: entry.name)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    names = [entry.name + "/" * entry.is_dir() for entry in entries if not entry.name.startswith(".")]
    if not names:
        return "it is empty"
    there = f"it holds {', '.join(names[:_SHOWN])}{' and more' if len(names) > _SHOWN else ''}"
    if SAVED_MODEL in names:
        return f"{there}: a version itself; name the folder above it, and call its folder by a number"
    nearer = [base_path, *_folders(base_path), os.path.join(base_path, os.pardir, "serving")]
    found = next((folder for folder in nearer if any(versions_in(entry) for entry in _folders(folder))), None)
    if found == base_path:
        return f"{there}, which hold versions: name one of them, or give them names with --model_config_file"
    if found:
        return f"{there}; {os.path.normpath(found)} has models: name that one"
    if "manifest.json" in names:
        return f"{there}: an edge bundle, which `python -m serving.edge predict --bundle` takes"
    return there


def _folders(path: str) -> list[str]:
    if not os.path.isdir(path):
        return []
    return [entry.path for entry in os.scandir(path) if entry.is_dir()]


class ConfigFile:
    """TensorFlow Serving's `models.config` (a `ModelServerConfig` in protobuf's text format), read when asked.

    Args:
        path: The file.
        poll_seconds: Time between looks at the file; 0 reads it once.
        missing_labels: Whether labels may name versions that are not there.

    Raises:
        ServingError: 400 if the file cannot be used now.
    """

    def __init__(self, path: str, poll_seconds: float = 0.0, missing_labels: bool = False) -> None:
        self._path, self._poll_seconds, self._missing_labels = path, poll_seconds, missing_labels
        self._read_at, self._config, self._models = 0.0, None, []
        self._read()

    def __call__(self) -> list[ServedModel]:
        """The models that the file names.

        Raises:
            ServingError: 400 if the file was looked at again and cannot be used; the next look may be better.
        """
        if self._poll_seconds > 0 and time.monotonic() >= self._read_at + self._poll_seconds:
            self._read()
        return self._models

    def _read(self) -> None:
        self._read_at = time.monotonic()
        config = _parsed(self._path)
        if config != self._config:  # what was right once stays, whatever happens to its versions
            self._models = _models(config, self._path, self._missing_labels, self._models)
            self._config = config


def read_config(path: str, missing_labels: bool = False) -> list[ServedModel]:
    """Reads `models.config` once.

    A base path that does not exist, such as a container's, is looked for beside the file under its last name.

    Args:
        path: The file.
        missing_labels: Whether labels may name versions that are not there.

    Raises:
        ServingError: 400 if the file cannot be read or parsed, or asks for what is not offered.
    """
    return ConfigFile(path, missing_labels=missing_labels)()


def read_batching(path: str) -> BatchingParameters:
    """Reads TensorFlow Serving's batching parameters (a `BatchingParameters` in protobuf's text format).

    Raises:
        ServingError: 400 if the file cannot be read, names an unknown parameter or has a value that is not possible.
    """
    from serving.cloud.batching import BatchingParameters

    message = config_messages.read(path, "BatchingParameters", "the batching parameters")
    given: dict[str, Any] = {field.name: value for field, value in message.ListFields()}
    values = {name: getattr(value, "value", value) for name, value in given.items()}
    if values.pop("pad_variable_length_inputs", False):
        _log.info("pad_variable_length_inputs is ignored: inputs of different lengths run one by one, as they are")
    if not values.pop("enable_large_batch_splitting", True):
        _log.info("enable_large_batch_splitting { value: false } is ignored: large requests are run in pieces")
    values["allowed_batch_sizes"] = sizes = tuple(values.get("allowed_batch_sizes", ()))
    made = BatchingParameters(**values)
    numbers = {"max_batch_size", "max_enqueued_batches", "num_batch_threads", "max_execution_batch_size"} & set(given)
    if wrong := {name: values[name] for name in sorted(numbers) if values[name] < 1}:
        raise ServingError(400, f"{path}: values must be at least 1, received {wrong}")
    if made.batch_timeout_micros < 0:
        raise ServingError(
            400, f"{path}: batch_timeout_micros must be at least 0, received {made.batch_timeout_micros}"
        )
    if made.piece > made.max_batch_size:
        raise ServingError(
            400, f"{path}: max_execution_batch_size must be at most max_batch_size, received {made.piece}"
        )
    if sizes and (list(sizes) != sorted(set(sizes)) or sizes[0] < 1 or sizes[-1] != made.piece):
        raise ServingError(
            400,
            f"{path}: allowed_batch_sizes must increase and end with {made.piece} (max_batch_size, or "
            f"max_execution_batch_size), received {list(sizes)}",
        )
    return made


def read_monitoring(path: str) -> str | None:
    """Reads TensorFlow Serving's `MonitoringConfig`: the path of the metrics, or None if they are not to be shown.

    Raises:
        ServingError: 400 if the file cannot be read, or the path does not begin with a slash.
    """
    config = config_messages.read(path, "MonitoringConfig", "the monitoring configuration").prometheus_config
    where = config.path or MONITORING_PATH
    if not where.startswith("/"):
        raise ServingError(400, f"{path}: the path must begin with /, received {where!r}")
    return where if config.enable else None


def _parsed(path: str) -> Any:
    from tensorflow_serving.config import model_server_config_pb2

    kind = model_server_config_pb2.ModelServerConfig
    return config_messages.read(path, kind, "the model configuration")


def _models(config: Any, path: str, missing_labels: bool, before: list[ServedModel]) -> list[ServedModel]:
    """The models of a `ModelServerConfig`, as TensorFlow Serving would take them after those of before."""
    kind = config.WhichOneof("config")
    if kind is None:
        raise ServingError(400, f"the model configuration {path} is empty")
    if kind != "model_config_list":
        raise ServingError(400, f"{path}: {kind} is not offered; list the models in model_config_list")
    models: dict[str, ServedModel] = {}
    labels = {model.name: model.labels for model in before}
    for entry in config.model_config_list.config:
        if entry.name in models:
            raise ServingError(400, f"{path}: Illegal to list model {entry.name} multiple times in config list")
        _check_entry(entry, path)
        models[entry.name] = model = _served(entry, os.path.dirname(os.path.abspath(path)))
        _check_labels(model, path, missing_labels, labels.get(model.name, {}))
    return list(models.values())


def _check_entry(entry: Any, path: str) -> None:
    from tensorflow_serving.config import model_server_config_pb2

    platform = entry.model_platform
    if entry.model_type and platform:
        raise ServingError(
            400, f"{path}: Illegal setting both model_type (deprecated) and model_platform, model name is {entry.name}"
        )
    if entry.model_type:
        platform = model_server_config_pb2.ModelType.Name(entry.model_type).lower()
    if not entry.name:
        raise ServingError(400, f"{path}: a model has no name")
    if platform != PLATFORM:
        raise ServingError(
            400,
            f"{path}: Model {entry.name} requests unsupported platform {platform!r}; model_platform must be "
            f"{PLATFORM!r}",
        )
    if "://" in entry.base_path:
        raise ServingError(400, f"{path}: model {entry.name} lies at {entry.base_path}; only folders are served")
    if not os.path.isabs(entry.base_path):
        raise ServingError(
            400,
            f"{path}: Expected model {entry.name} to have an absolute path or URI; got base_path()={entry.base_path}",
        )
    if entry.HasField("logging_config"):
        _log.warning("%s: logging_config of %s is ignored: requests are not logged", path, entry.name)


def _check_labels(model: ServedModel, path: str, missing_labels: bool, before: dict[str, int]) -> None:
    """Refuses labels of versions that are not there; where those are allowed, none may be moved to such a version."""
    present = model.wanted() if model.labels else {}
    for label, version in model.labels.items():
        moved = before.get(label, version) != version
        if version in present or (missing_labels and not moved):
            continue
        instead = "a label that is in use cannot be moved there"
        if not missing_labels:
            instead = "--allow_version_labels_for_unavailable_models allows it"
        raise ServingError(
            400,
            f"{path}: Request to assign label {label!r} to version {version} of model {model.name}, which is not "
            f"currently available for inference (there: {sorted(present)}); {instead}",
        )


def _served(model: Any, folder: str) -> ServedModel:
    base_path = model.base_path
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
