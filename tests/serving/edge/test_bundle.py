"""Bundles that are broken, and the edge without TensorFlow."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from serving.edge.bundle import load_manifest
from serving.edge.errors import BundleError
from tests.conftest import REPOSITORY


@pytest.fixture
def bundle(deployed, tmp_path):
    return shutil.copytree(deployed.edge, tmp_path / "edge")


def test_a_changed_file_is_refused(bundle):
    with open(bundle / "pre.tflite", "ab") as file:
        file.write(b"x")
    with pytest.raises(BundleError, match=r"pre\.tflite was changed"):
        load_manifest(str(bundle))


def test_a_missing_file_is_refused(bundle):
    os.remove(bundle / "post.int8.tflite")
    with pytest.raises(BundleError, match=r"post\.int8\.tflite is missing"):
        load_manifest(str(bundle))


@pytest.mark.parametrize("change", [{"schema": 1}, {"surprise": 1}])
def test_a_manifest_of_another_schema_is_refused(bundle, change):
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BundleError, match="cannot use"):
        load_manifest(str(bundle))


def test_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="is no bundle"):
        load_manifest(str(tmp_path))


def test_a_prediction_imports_no_tensorflow(deployed, server, tmp_path):
    """In a process of its own, with TensorFlow and Keras made impossible to import."""
    code = f"""
import sys
for name in ("tensorflow", "keras", "apache_beam", "scipy", "sklearn", "grpc"):
    sys.modules[name] = None
import numpy as np
from serving.edge.client import EdgeClient
client = EdgeClient({deployed.edge!r}, {server.rest_url!r})
print(client.predict(np.random.default_rng(0).uniform(0, 255, (4, 8, 8, 3))).shape)
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == "(4, 3)", result.stderr
