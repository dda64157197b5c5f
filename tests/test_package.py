"""What is published: sdist and wheel, what is in them, and that commands run from the wheel outside of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile

import pytest

import datamix_tf
from serving.version import __version__
from tests.conftest import REPOSITORY

PACKAGES = ("components", "datamix_cli", "datamix_tf", "pipeline", "serving")
PAGES = (".css", ".html", ".js")


def run(*command, **more):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, **more)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The files that git knows, elsewhere: building leaves folders beside them."""
    listed = run("git", "ls-files", "-z", cwd=REPOSITORY)
    if listed.returncode:
        pytest.skip("no git checkout: what would be published is not known")
    folder = tmp_path_factory.mktemp("sources")
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).exists() and not name.startswith(("tests/", "docs/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(sources, tmp_path_factory):
    """The path of the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    found = run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, sources)
    if found.returncode and re.search("Could not find a version|No matching distribution|Connection", found.stderr):
        pytest.skip("setuptools, which builds the wheel, cannot be fetched")
    assert found.returncode == 0, found.stderr
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    """A folder that the wheel is installed into, without what it needs."""
    folder = tmp_path_factory.mktemp("installed")
    done = run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, wheel)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_has_what_is_run_and_nothing_else(wheel):
    assert wheel.name == f"datamix_tf-{__version__}-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    known = set(run("git", "ls-files", *PACKAGES, cwd=REPOSITORY).stdout.split())
    pages = {name for name in known if name.endswith(PAGES) or (name.endswith(".md") and "/report/" in name)}
    assert pages and pages <= names
    model = {name for name in known if "/spoken_words/" in name}
    assert model and model <= names  # the demo's
    assert {name for name in known if name.endswith(".py")} <= names
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    licences = {name.rpartition("/")[2] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}
    others = {name.partition("/")[0] for name in names} - {*PACKAGES}
    assert others == {f"datamix_tf-{__version__}.dist-info"}


def test_commands_run_from_the_wheel_outside_of_the_checkout(unpacked, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    command = unpacked / "bin" / "datamix"

    def said(*arguments):
        return run(sys.executable, command, *arguments, cwd=tmp_path, env=environment)

    assert "lineage" in said("--help").stdout
    assert said("--version").stdout == f"datamix-tf {__version__}\n"
    explained = said("run", "--help")
    assert explained.returncode == 0 and explained.stdout.startswith("usage: datamix run [-h]"), explained.stderr
    where = run(sys.executable, "-c", "import pipeline; print(pipeline.__file__)", cwd=tmp_path, env=environment)
    assert where.stdout.startswith(str(unpacked))


def test_the_version_is_written_in_one_place():
    cited = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in cited
    changes = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+)", changes, re.MULTILINE)[1] in (__version__, "Unreleased")
    written = run("git", "grep", "-nE", r"__version__ = \"", "--", *PACKAGES, cwd=REPOSITORY).stdout.splitlines()
    assert [line.partition(":")[0] for line in written] == [
        "serving/version.py"
    ] and datamix_tf.__version__ == __version__


@pytest.mark.slow
def test_an_empty_environment_takes_sdist_and_wheel_with_numpy_alone(sources, tmp_path):
    venv.create(tmp_path / "builder", with_pip=True)
    builder, dist = tmp_path / "builder" / "bin" / "python", tmp_path / "dist"
    done = run(builder, "-m", "pip", "install", "--quiet", "build")
    if done.returncode:
        pytest.skip("no packages can be fetched")
    done = run(builder, "-m", "build", "--outdir", dist, sources)  # the wheel is built from the sdist
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in dist.iterdir())
    assert names == [f"datamix_tf-{__version__}-py3-none-any.whl", f"datamix_tf-{__version__}.tar.gz"]
    venv.create(tmp_path / "user", with_pip=True)
    binaries = tmp_path / "user" / "bin"
    done = run(binaries / "python", "-m", "pip", "install", "--quiet", dist / names[0])
    assert done.returncode == 0, done.stderr
    assert run(binaries / "datamix", "--help", cwd=tmp_path).returncode == 0
    for words, extra in ((("run", "--help"), "pipeline"), (("serve", "--version"), "cloud")):
        refused = run(binaries / "datamix", *words, cwd=tmp_path)
        assert refused.returncode and refused.stderr.count("\n") == 1 and f"datamix-tf[{extra}]" in refused.stderr
    done = run(binaries / "python", "-m", "pip", "install", "--quiet", f"{dist / names[0]}[edge]")
    assert done.returncode == 0, done.stderr
    explained = run(binaries / "datamix", "predict", "--help", cwd=tmp_path)
    assert explained.returncode == 0 and explained.stdout.startswith("usage: datamix predict [-h]")
    refused = run(binaries / "datamix", "predict", "--bundle", tmp_path / "none", "a.png", cwd=tmp_path)
    assert refused.returncode == 1 and refused.stderr.startswith("error: ") and "Traceback" not in refused.stderr
