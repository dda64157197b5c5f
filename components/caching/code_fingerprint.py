"""Which of this project's sources can change what a module computes: those that it imports, directly or not."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import pathlib
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ("components", "datamix_tf", "pipeline", "serving")


@functools.cache
def fingerprint(module: str) -> str:
    """A hash of the sources of a module and of all modules of the project that it imports, also within functions.

    Args:
        module: Its dotted name, as in `__module__`. Modules that are not the project's (a user's own component) count
            with their name alone.
    """
    digest = hashlib.sha256(module.encode())
    for name in sorted(imported(module)):
        for path in (_path(name), *_data(name)):
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def of_plugin(kind: Any) -> dict[str, str]:
    """The code behind a class, function or module that is not ours, such as a user's defence: `{"code": hash}`.

    Nothing for the project's own, which the fingerprint of whoever imports it covers.
    """
    name = kind.__name__ if inspect.ismodule(kind) else kind.__module__
    if name.partition(".")[0] in PACKAGES:
        return {}
    path = inspect.getsourcefile(kind)
    return {"code": hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest() if path else kind.__name__}


@functools.cache
def imported(module: str) -> frozenset[str]:
    """The modules of the project that a module needs, itself and packages included."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name in found or name.partition(".")[0] not in PACKAGES or _path(name) is None:
            continue
        found.add(name)
        waiting += [name.rpartition(".")[0], *_direct(name)]
    return frozenset(found)


@functools.cache
def _direct(module: str) -> tuple[str, ...]:
    """What the statements of a module import; names that are no modules are dropped by the caller."""
    found = []
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


def _data(module: str) -> list[pathlib.Path]:
    """The files beside a module that it names, such as a page's template."""
    folder = _path(module).parent
    texts = {node.value for node in ast.walk(_tree(module)) if isinstance(node, ast.Constant)}
    names = sorted(text for text in texts if isinstance(text, str) and pathlib.PurePath(text).name == text != "")
    return [folder / name for name in names if len(name) < 256 and (folder / name).is_file()]


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_bytes())


def _path(module: str) -> pathlib.Path | None:
    """The file of a module or package of the project, or `None`."""
    path = ROOT.joinpath(*module.split("."))
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None
