"""The versions in memory: loaded when they appear on disk, unloaded when they are no longer wanted.

A new version is loaded and warm before an old one goes, and a request keeps the version it started with, so that no
request fails while versions change.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
from collections.abc import Callable, Iterable

from serving.cloud.model_config import ServedModel, what_is_there
from serving.cloud.servable import SAVED_MODEL, Servable
from serving.protocol.errors import ServingError

LOADING, AVAILABLE, END = "LOADING", "AVAILABLE", "END"
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """State of one version, as TensorFlow Serving names it; `error` is empty if all is well."""

    version: int
    state: str
    error: str = ""


class Repository:
    """Serves what `models()` asks for.

    Args:
        models: Called at every poll; gives the `ServedModel`s.
        poll_seconds: Time between looks at the disk for versions; 0 looks once.
        config_seconds: Time between calls of `models` where the disk is looked at once; 0: it is called once, too.
    """

    def __init__(
        self, models: Callable[[], Iterable[ServedModel]], poll_seconds: float = 1.0, config_seconds: float = 0.0
    ) -> None:
        self._models, self._poll_seconds = models, poll_seconds
        self._pause = poll_seconds or config_seconds
        self._told: set[str] = set()  # what the log has already
        self._served: dict[str, ServedModel] = {}
        self._loaded: dict[str, dict[int, Servable]] = {}
        self._status: dict[str, dict[int, VersionStatus]] = {}
        # Of versions that could not be loaded: the time stamp of the file, to try again when it changes.
        self._failed: dict[tuple[str, int], float] = {}
        self._stop = threading.Event()
        self._polled = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)

    def start(self) -> None:
        """Begins to watch the disk; returns at once."""
        self._thread.start()

    def close(self) -> None:
        """Stops watching."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def ready(self) -> bool:
        """True once every model that is required has a version that answers."""
        required = [name for name, model in self._served.items() if model.required]
        return self._polled.is_set() and bool(required) and all(self._loaded.get(name) for name in required)

    def wait(self, seconds: float) -> bool:
        """Waits for the end of the first look at the disk, after which all that is there answers or has failed."""
        return self._polled.wait(seconds)

    def names(self) -> list[str]:
        """Names of the models that are configured."""
        return sorted(self._served)

    def get(self, name: str, version: int | None = None, label: str | None = None) -> Servable:
        """The servable for a request.

        Raises:
            ServingError: 400 for no name and unknown labels; 404 if there is no such model or version; 503 if it is
                still loading.
        """
        if not name:
            raise ServingError(400, "ModelSpec has no name specified.")
        model, loaded = self._served.get(name), self._loaded.get(name, {})
        if label is not None:
            if model is None or label not in model.labels:
                raise ServingError(400, f"Unrecognized servable version label: {label}")
            version = model.labels[label]
        wanted = max(loaded, default=None) if version is None else version
        if wanted in loaded:
            return loaded[wanted]
        request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        states = self._status.get(name, {})
        loading = states.values() if version is None else [states[version]] if version in states else []
        if not self._polled.is_set() or any(status.state == LOADING for status in loading):
            raise ServingError(503, f"Servable is not yet available for request: {request}")
        raise ServingError(404, f"Servable not found for request: {request}")

    def status(self, name: str, version: int | None = None, label: str | None = None) -> list[VersionStatus]:
        """The states of a model's versions, newest first.

        Raises:
            ServingError: 404 if there is no such model or version; 400 for unknown labels.
        """
        if label is not None:
            version = self.get(name, label=label).version
        states = self._status.get(name, {})
        if version is not None and version not in states:
            raise ServingError(404, f"Could not find version {version} of model {name}")
        if not states:
            raise ServingError(404, f"Could not find any versions of model {name}")
        return [states[version]] if version is not None else [states[key] for key in sorted(states, reverse=True)]

    def poll(self) -> None:
        """Looks at the disk once, and loads and unloads."""
        try:
            served = {model.name: model for model in self._models()}
        except (ServingError, OSError) as error:
            self._tell(logging.ERROR, f"keeping the models that are served: {error}")
            served = self._served
        else:
            self._told = {text for text in self._told if not text.startswith("keeping the models")}
        if self._polled.is_set() and not self._poll_seconds and served == self._served:
            return
        self._served = served
        for name in [*served, *(name for name in self._loaded if name not in served)]:
            try:
                wanted = served[name].wanted() if name in served else {}
            except OSError as error:
                _log.error("keeping the versions of %s that are served: %s", name, error)
                continue
            self._update(name, wanted)
            if name in served and not wanted and not self._loaded.get(name):
                base_path = served[name].base_path
                self._tell(
                    logging.WARNING,
                    f"no version of model {name} is under {base_path}: looked for "
                    f"{os.path.join(base_path, 'NUMBER', SAVED_MODEL)}; {what_is_there(base_path)}",
                )
        self._polled.set()

    def _update(self, name: str, wanted: dict[int, str]) -> None:
        for version, folder in sorted(wanted.items()):
            if version not in self._loaded.get(name, {}):
                self._load(name, version, folder)
        loaded = self._loaded.get(name, {})
        kept = {version: servable for version, servable in loaded.items() if version in wanted}
        if wanted and not kept:
            return  # What is wanted could not be loaded: what is there goes on serving.
        for version in set(loaded) - set(kept):
            self._set(name, VersionStatus(version, END))
            _log.info("unloaded %s version %d", name, version)
        # Replaced, not changed: requests read it without a lock.
        self._loaded[name] = kept

    def _load(self, name: str, version: int, folder: str) -> None:
        try:
            stamp = os.stat(os.path.join(folder, SAVED_MODEL)).st_mtime
            if self._failed.get((name, version)) == stamp:
                return
            self._failed.pop((name, version), None)
            self._set(name, VersionStatus(version, LOADING))
            servable = Servable(name, version, folder)
        except Exception as error:
            self._failed[name, version] = stamp if os.path.exists(folder) else 0.0
            # Whoever may look at the status need not know this machine's paths.
            self._set(name, VersionStatus(version, END, f"{type(error).__name__}; the server's log says more"))
            _log.error("cannot load %s version %d from %s: %s", name, version, folder, error)
            return
        self._loaded[name] = {**self._loaded.get(name, {}), version: servable}
        self._set(name, VersionStatus(version, AVAILABLE))
        _log.info("loaded %s version %d", name, version)

    def _tell(self, level: int, text: str) -> None:
        """Logs what stays so at every look once."""
        if text not in self._told:
            self._told.add(text)
            _log.log(level, "%s", text)

    def _set(self, name: str, status: VersionStatus) -> None:
        self._status[name] = {**self._status.get(name, {}), status.version: status}

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self.poll()
            except Exception:
                _log.exception("looking for versions failed; trying again")
            if not self._pause:
                return
            self._stop.wait(self._pause)
