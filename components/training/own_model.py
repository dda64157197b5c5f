"""A user's own Keras model: brought into the run once, then named by a hash of what it is."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import os
import shutil
from typing import Any

from components.caching.code_fingerprint import of_plugin
from components.errors import InputError
from components.storage import files
from components.storage.artifacts import atomic_file
from components.storage.local_copies import local_copy
from components.storage.temporaries import temporary_folder
from datamix_tf.models.backbones import RAW, Backbone

APPLICATIONS = "keras.applications:"
SUFFIXES = (".keras", ".h5", ".hdf5")
#: Of the pictures that a network of keras.applications takes, if nobody says otherwise.
DEFAULT_SIZE = (64, 64)


@dataclasses.dataclass(frozen=True)
class OwnModel:
    """A model that the methods of a run share.

    Attributes:
        name: What the user named.
        path: Where the run keeps it.
        digest: SHA-256 of the file; of a network of keras.applications that of its name, size and weights.
        shape: Of the inputs that it declares, `(height, width, channels)`; `None` for any size.
        cuts: The last layer on the edge for N_pre = 1, 2, ...; empty as long as nobody knows.
        before: M_post's first layer; empty for the classifier.
        values: What it takes, one of `datamix_tf.models.backbones.VALUES`.
        modules: Modules of the user's own that register its layers.
        code: SHA-256 of their sources.
    """

    name: str
    path: str
    digest: str
    shape: tuple[int | None, ...]
    cuts: tuple[str, ...] = ()
    before: str = ""
    values: str = RAW
    modules: tuple[str, ...] = ()
    code: str = ""

    @property
    def fingerprint(self) -> str:
        """A hash of all that it changes in a training: not of its name, nor of where it lies."""
        parts = [self.digest, self.shape, self.cuts, self.before, self.values, self.code]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def load(self) -> Any:
        """A new copy of the model. Raises InputError if it cannot be loaded."""
        for module in self.modules:  # a worker may be another process
            importlib.import_module(module)
        return load(local_copy(self.path), self.name)

    def backbone(self) -> Backbone:
        """The model as a backbone; it is read when a network is built."""
        from datamix_tf.models.own import own_backbone

        return own_backbone(self.load, self.cuts, self.before, self.values)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready description."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, described: dict[str, Any]) -> OwnModel:
        """What `to_dict` described. Raises TypeError for something else."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in described.items()})


def load(path: str, name: str = "") -> Any:
    """A Keras model of a file, without running code that the file holds.

    Args:
        path: A `.keras` or `.h5` file.
        name: What it is called in errors.

    Raises:
        InputError: If it cannot be loaded.
    """
    import keras

    import datamix_tf  # noqa: F401  (registers the layers with Keras)

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras, h5py and zipfile each have their own
        raise InputError(f"--model {name or path} cannot be loaded: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "Lambda" in text or "safe_mode" in text or "unsafe" in text:
        return (
            "it holds a Lambda layer or a function as code, which loading would run; put a layer or a keras.ops "
            "function in its place and save it again"
        )
    if "Could not locate" in text:
        return (
            f"a layer of it is not known here ({text[:160]}); register its class with "
            "keras.saving.register_keras_serializable in a module, and name that with --plugin"
        )
    return text[:240] or type(error).__name__


def import_model(
    name: str,
    folder: str,
    *,
    weights: str,
    size: tuple[int, int] | None,
    seed: int,
    modules: tuple[str, ...] = (),
) -> OwnModel:
    """Copies a model into a folder under a name that follows from its content, and looks whether it can be used.

    Args:
        name: Path or URL of a `.keras` or `.h5` file, or `keras.applications:NAME`.
        folder: Path or URL.
        weights: Of a network of keras.applications: `"imagenet"` or `"none"`.
        size: Rows and columns of the pictures for such a network; `None` for `DEFAULT_SIZE`.
        seed: Of random weights.
        modules: Imported modules that may register its layers.

    Returns:
        The model, with nothing said of cuts.

    Raises:
        InputError: If it is not there or cannot be loaded, or is no model of pictures with a graph, one input and one
            output.
    """
    if name.startswith(APPLICATIONS):
        model, digest = _application(name, weights, size or DEFAULT_SIZE, seed)
        path = os.path.join(folder, f"{digest}.keras")
        if not files.exists(path):
            _make_folder(folder)
            with atomic_file(path) as temporary, temporary_folder() as working:
                made = os.path.join(working, "model.keras")  # Keras goes by the end of the name
                model.save(made)
                shutil.copyfile(made, temporary)
    else:
        path, digest = _kept(name, folder)
        model = load(local_copy(path), name)
    return OwnModel(name, path, digest, _declared(model, name), modules=modules, code=_code(modules))


def _code(modules):
    """SHA-256 of the sources of modules, empty without any."""
    digest = hashlib.sha256()
    for module in modules:
        digest.update(json.dumps([module, of_plugin(importlib.import_module(module))]).encode())
    return digest.hexdigest() if modules else ""


def _application(name, weights, size, seed):
    import keras

    from datamix_tf.models.applications import application

    wanted, given = name.removeprefix(APPLICATIONS), None if weights == "none" else weights
    keras.utils.set_random_seed(seed)
    try:
        model = application(wanted, (*size, 3), given)
    except ValueError as error:
        raise InputError(f"--model {name} cannot be used: {' '.join(str(error).split())}") from None
    except Exception as error:  # Keras raises a bare one when a download fails
        if given is None:
            raise
        raise InputError(
            f"--model {name} cannot be used: the weights {weights!r} cannot be downloaded "
            f"({' '.join(str(error).split())[:160]}); go online, or take random ones: --model_weights none"
        ) from None
    digest = hashlib.sha256(f"{wanted} {size}".encode())
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    return model, digest.hexdigest()


def _kept(name, folder):
    """Path in the folder, and digest, of a copy of a file."""
    suffix = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)
    if suffix is None:
        raise InputError(
            f"--model must be a file that ends with {', '.join(SUFFIXES)}, or {APPLICATIONS}NAME; received {name}"
        )
    try:
        content = files.read_bytes(name)
    except (OSError, ValueError) as error:
        raise InputError(f"--model {name} cannot be read: {error}") from None
    digest = hashlib.sha256(content).hexdigest()
    path = os.path.join(folder, f"{digest}{suffix}")
    if not files.exists(path):
        _make_folder(folder)
        with atomic_file(path) as temporary, open(temporary, "wb") as file:
            file.write(content)
    return path, digest


def _declared(model, name):
    from datamix_tf.models.own import declared_shape

    try:
        return declared_shape(model)
    except ValueError as error:
        raise InputError(f"--model {name} cannot be used: {error}") from None


def _make_folder(folder):
    if not files.is_remote(folder):
        os.makedirs(folder, exist_ok=True)
