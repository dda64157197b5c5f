"""What all tests share. Data sets for development are used where they are, and their tests skip where they are not."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import atexit
import pathlib
import shutil
import tempfile
import time

import hypothesis
import pytest

from tests import browser as browsers

# How long tests' toy runs take is not to be learned for the runs of whoever tests.
if "DATAMIX_CACHE" not in os.environ:
    os.environ["DATAMIX_CACHE"] = tempfile.mkdtemp(prefix="datamix-tests-")
    atexit.register(shutil.rmtree, os.environ["DATAMIX_CACHE"], ignore_errors=True)

REPOSITORY = pathlib.Path(__file__).parent.parent
DATA = pathlib.Path(os.environ.get("DATAMIX_DATA", REPOSITORY.parent / "shared" / "data"))


# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("no_clock", deadline=None)
hypothesis.settings.load_profile("no_clock")


@pytest.fixture
def real_data():
    """A function from the name of a development data set to its path; skips the test where it is not there."""

    def find(name: str) -> str:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"{name} is not in {DATA} (set DATAMIX_DATA to the folder that has it)")
        return str(path)

    return find


@pytest.fixture(scope="module")
def browser():
    """A real browser; skips the tests where there is none."""
    if reason := browsers.missing():
        pytest.skip(reason)
    with browsers.opened() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _repeatable():
    import keras

    keras.utils.set_random_seed(1)


@pytest.fixture(autouse=True, scope="module")
def _ours_alone(monkeypatch_module):
    """The defences and attacks of this project alone: the examples register theirs when they are imported."""
    from datamix_tf.attacks import catalogue
    from datamix_tf.attacks import registry as attacks
    from datamix_tf.defences import registry

    ours = {id: kind for id, kind in registry.all_defences().items() if kind.__module__.startswith("datamix_tf.")}
    monkeypatch_module.setattr(registry.DEFENCES, "items", ours)
    monkeypatch_module.setattr(attacks.ATTACKS, "items", {spec.id: spec for spec in catalogue.OURS})


@pytest.fixture(scope="module")
def monkeypatch_module():
    """`monkeypatch` for a whole module."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(autouse=True, scope="module")
def _forgetful():
    """Frees what TensorFlow keeps of traced functions: hundreds of small models would slow each other down."""
    started = time.monotonic()
    yield
    import keras

    # Looking for garbage takes seconds once there is much: only behind a module that has probably made some.
    keras.utils.clear_session(free_memory=time.monotonic() - started > 5)


def pytest_addoption(parser):
    parser.addoption("--full_load", action="store_true", help="run tests/serving/test_load.py at full size (make load)")
    parser.addoption("--slow", action="store_true", help="run tests that are marked slow, too (make slow)")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow; `make slow` runs it"))
