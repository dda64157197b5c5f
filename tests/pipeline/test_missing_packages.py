"""Where the pipeline's packages are not installed, each command says in one line what to install."""

import pathlib
import subprocess
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).parents[2]
COMMANDS = sorted(
    path.stem if path.name != "__main__.py" else path.parent.name
    for pattern in ("*.py", "*/__main__.py")
    for path in (REPOSITORY / "pipeline").glob(pattern)
    if path.stem != "__init__"
)


@pytest.mark.parametrize("name", COMMANDS)
def test_one_line(name):
    # Without site-packages nothing is installed.
    done = subprocess.run(
        [sys.executable, "-S", "-m", f"pipeline.{name}", "--help"], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("error: not installed: numpy, tensorflow") and done.stderr.count("\n") == 1
    assert "pip install 'datamix-tf[pipeline]'" in done.stderr


def test_a_library_s_import_is_an_import_error():
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import pipeline"], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert "MissingPackageError: not installed: numpy" in done.stderr
