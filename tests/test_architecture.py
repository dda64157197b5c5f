"""Imports point one way, and the edge needs no TensorFlow."""

import ast
import pathlib
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

ROOMS = (
    *("datamix_settings", "datamix_tf", "components", "pipeline"),
    *("serving/protocol", "serving/cloud", "serving/edge", "serving/relay"),
)
ALLOWED = {
    "serving/protocol": set(),
    "serving/edge": {"serving/protocol"},
    "serving/relay": {"serving/protocol"},
    "serving/cloud": {"serving/protocol", "datamix_tf"},
    "datamix_settings": set(),
    "datamix_tf": {"datamix_settings"},
    "components": {"serving/protocol", "serving/edge", "serving/cloud", "datamix_settings", "datamix_tf"},
    "pipeline": {
        *("serving/protocol", "serving/edge", "serving/cloud"),
        *("datamix_settings", "datamix_tf", "components"),
    },
}


def imported_modules(path: pathlib.Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: str):
    return next((room for room in ROOMS if f"{module}.".startswith(room.replace("/", ".") + ".")), None)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room):
    files = list((REPOSITORY / room).rglob("*.py"))
    assert files
    for path in files:
        used = {room_of(module) for module in imported_modules(path)} - {None, room}
        assert used <= ALLOWED[room], f"{path} imports {used - ALLOWED[room]}"


def test_the_library_knows_nothing_of_beam_files_or_http():
    for path in (REPOSITORY / "datamix_tf").rglob("*.py"):
        roots = {module.partition(".")[0] for module in imported_modules(path)}
        assert not roots & {"apache_beam", "os", "pathlib", "zipfile", "http", "urllib", "requests"}, path


def test_the_edge_does_not_import_tensorflow():
    modules = [
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for path in (REPOSITORY / "serving" / "edge").glob("*.py")
        if path.stem != "__init__"
    ]
    code = f"import sys, {', '.join(modules)}; print({{'tensorflow', 'keras', 'apache_beam'}} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


@pytest.mark.parametrize("command", ["run", "audit", "compare", "lineage", "obfuscation"])
def test_commands_read_their_flags_before_tensorflow_is_imported(command):
    code = f"import sys, pipeline.{command}; print({{'tensorflow', 'keras', 'apache_beam'}} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
