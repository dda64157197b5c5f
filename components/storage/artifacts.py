"""What components hand to each other: typed folders.

An artifact is a folder with a type. A component writes into a temporary folder beside the final one and renames it when
it is whole, so that no half artifact is ever seen under its final name. Object stores cannot rename: there it is whole
when its marker is there (`components.storage.files`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import tempfile
import uuid

from components.records.dataset import DatasetSchema, RawSchema
from components.records.serialising import Kind, plain, read
from components.storage import files
from components.storage.temporaries import TEMPORARY_PREFIX, temporary_folder, temporary_prefix


@dataclasses.dataclass(frozen=True)
class Artifact:
    """A folder that a component wrote.

    Attributes:
        uri: Its path or URL.
    """

    uri: str

    def path(self, *parts: str) -> str:
        """Path of a file in the artifact."""
        return os.path.join(self.uri, *parts)

    def read_json(self, name: str):
        """The JSON file `name` of the artifact."""
        return json.loads(files.read_bytes(self.path(name)))

    def read(self, name: str, kind: type[Kind]) -> Kind:
        """The record in the JSON file `name`, as of `components.records.serialising.read`."""
        return read(self.path(name), kind)


class RawExamples(Artifact):
    """Ingested examples: `<split>-*.tfrecord`, `schema.json`, `bad_records.json`."""

    def schema(self) -> RawSchema:
        return self.read("schema.json", RawSchema)


class Examples(Artifact):
    """Decoded examples: `<split>-*.tfrecord`, `schema.json` (with shape and statistics), `bad_records.json`."""

    def schema(self) -> DatasetSchema:
        return self.read("schema.json", DatasetSchema)


class Cuts(Artifact):
    """Where a user's own model can be cut, and where it is: `cuts.json`."""


class Models(Artifact):
    """Trained models: `<model>/model.keras`, `<model>/training.json`, and `models.json` that lists them."""


class AttackScores(Artifact):
    """Measured attacks: `scores.json`, a list of one entry for each model and attack."""


class Audit(Artifact):
    """What the cloud learns: `audit.json`, `audit.md`, and `<model>.png` where pictures were rebuilt."""


class Evaluation(Artifact):
    """Accuracy, costs and leakage of every method: `metrics.json`."""


class Blessing(Artifact):
    """Whether something may be pushed: `blessing.json` with `blessed`, and `checks` that say why (not)."""


class Package(Artifact):
    """What is deployed: `serving/` (a SavedModel), `edge/` (the bundle), perhaps `edge_only/`, `agreement.json`."""


class Deployment(Artifact):
    """Where a package was pushed to, or why it was not: `deployment.json`."""


class Report(Artifact):
    """The page people look at: `report.html`, `model_card.md`, `page.json` with all that they tell, and `figures/`."""


def write_json(path: str, value) -> None:
    """Writes JSON-ready data or records under a temporary name, then renames."""
    with atomic_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        json.dump(plain(value), file, indent=1, allow_nan=False)
        file.write("\n")


@contextlib.contextmanager
def atomic_file(path: str):
    """Yields a temporary path that becomes `path` if the block succeeds, else goes away.

    It is in the same folder, or, if that is remote, on this machine.
    """
    if files.is_remote(path):
        with temporary_folder() as temporary:
            local = os.path.join(temporary, os.path.basename(path))
            yield local
            files.upload(local, path)
        return
    temporary = _beside(path)
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))  # less what the umask takes away
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


@contextlib.contextmanager
def atomic_folder(path: str):
    """Yields a new temporary folder that replaces `path` if the block succeeds, else goes away.

    It is beside `path`, or, if that is remote, on this machine; a reader that came in between would then see no marker.
    """
    if files.is_remote(path):
        with temporary_folder() as temporary:
            yield temporary
            files.remove(path)
            files.upload(temporary, path)
            files.mark_whole(path)
        return
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    temporary = _beside(path)
    os.mkdir(temporary)
    try:
        yield temporary
        replace_folder(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(path: str) -> str:
    """A temporary name beside a path, which nothing has."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(folder, f"{temporary_prefix()}{uuid.uuid4().hex[:12]}-{name}")


@contextlib.contextmanager
def working_folder(path: str):
    """Yields the folder to write an artifact to that workers elsewhere see, too, and makes it `path` if it gets whole.

    That is a temporary folder beside `path`; or, if it is remote, `path` itself, emptied, and marked in the end.
    """
    if not files.is_remote(path):
        with atomic_folder(path) as temporary:
            yield temporary
        return
    files.remove(path)
    try:
        yield path
    except BaseException:
        with contextlib.suppress(Exception):  # what stays has no marker, and the first error is the one to tell
            files.remove(path)
        raise
    files.mark_whole(path)


def replace_folder(new: str, path: str) -> None:
    """Renames the folder `new` to `path`; an older folder there is moved aside first and removed afterwards."""
    if not os.path.lexists(path):
        os.rename(new, path)
        return
    parent, name = os.path.split(os.path.abspath(path))
    aside = tempfile.mkdtemp(prefix=temporary_prefix(), suffix=f"-old-{name}", dir=parent)
    os.rename(path, os.path.join(aside, name))
    os.rename(new, path)
    shutil.rmtree(aside, ignore_errors=True)


def remove_temporaries(folder: str, run: str | None = None) -> None:
    """Removes what interrupted runs (or one run alone) left under temporary names in `folder` and below.

    Args:
        folder: Where to look.
        run: The mark of a run (`RUN_VARIABLE`), to leave those of others alone; `None` removes all.
    """
    prefix = TEMPORARY_PREFIX if run is None else f"{TEMPORARY_PREFIX}{run}-"
    for parent, folders, names in os.walk(folder):
        for name in [name for name in folders if name.startswith(prefix)]:
            shutil.rmtree(os.path.join(parent, name), ignore_errors=True)
            folders.remove(name)
        for name in names:
            if name.startswith(prefix):
                os.remove(os.path.join(parent, name))
