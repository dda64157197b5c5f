"""Commands without the packages of an extra: one line that names what installs them."""

import subprocess
import sys

import pytest

from serving.protocol.extras import MissingPackageError, needs
from tests.conftest import REPOSITORY

#: Runs a command in a Python in which a package is not there.
WITHOUT = """
import importlib.abc, runpy, sys

_, missing, *sys.argv = sys.argv

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition('.')[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
runpy.run_module(sys.argv[0], run_name='__main__')
"""


@pytest.mark.parametrize(
    ("package", "extra", "words"),
    [
        ("grpc", "cloud", ["serving.cloud", "--model_base_path", "."]),
        ("uvicorn", "cloud", ["serving.relay", "--gateway_url", "http://127.0.0.1:1"]),
        ("starlette", "pipeline", ["pipeline.demo", "."]),
    ],
)
def test_the_line_that_installs_it_is_named(package, extra, words):
    command = [sys.executable, "-c", WITHOUT, package, *words]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert result.returncode == 2 and "Traceback" not in result.stderr, result.stderr
    assert f"error: '{package}' is not installed; pip install 'datamix-tf[{extra}]'" in result.stderr


def test_a_module_of_ours_that_is_missing_is_a_fault():
    with pytest.raises(ModuleNotFoundError) as raised, needs("cloud"):
        import serving.nowhere  # noqa: F401
    assert not isinstance(raised.value, MissingPackageError)
    with pytest.raises(MissingPackageError, match=r"pip install 'datamix-tf\[edge\]'"), needs("edge"):
        import no_such_package.part  # noqa: F401
