"""What a component's answer depends on, as one hash."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import platform

from components.base import Component
from components.caching import code_fingerprint
from pipeline.orchestration.store import Identity

#: Packages whose version may change what is computed.
PACKAGES = ("ai-edge-litert", "apache-beam", "keras", "numpy", "pillow", "scikit-learn", "scipy", "tensorflow")


def identity(component: Component, inputs: dict[str, str]) -> Identity:
    """Everything that can change what a component makes.

    Args:
        component: The component; its parameters count but for those that it names `without_effect`.
        inputs: Input name -> id of the artifact.
    """
    kind = type(component)
    parts = {
        "component": f"{kind.__module__}.{kind.__qualname__}",
        "code": code_fingerprint.fingerprint(kind.__module__),
        "parameters": {
            name: plain(value) for name, value in component.parameters.items() if name not in kind.without_effect
        },
        "inputs": dict(sorted(inputs.items())),
        "versions": versions(),
    }
    text = json.dumps(parts, sort_keys=True)
    return Identity(**parts, cache_key=hashlib.sha256(text.encode()).hexdigest())


def plain(value):
    """A parameter as JSON-ready data.

    Raises:
        TypeError: If it is neither plain data, nor a dataclass, nor has a `fingerprint`.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    kind = type(value)
    if hasattr(value, "fingerprint"):  # a data set
        named = {"name": value.name, "fingerprint": value.fingerprint}
        return {"type": kind.__qualname__, **named, "code": code_fingerprint.fingerprint(kind.__module__)}
    if dataclasses.is_dataclass(value):
        fields = {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"type": kind.__qualname__, **fields, **code_fingerprint.of_plugin(kind)}
    raise TypeError(f"Expected plain data, a dataclass or something with a fingerprint. Received: {value!r}")


@functools.cache
def versions() -> dict[str, str]:
    """Python's and the packages' versions."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
