"""Importing the library costs nothing, and Keras finds its classes all the same."""

import subprocess
import sys

import pytest

from datamix_tf import DataMixModel, split
from datamix_tf.models.resnet import post_layer, pre_layer, resnet18
from tests.conftest import REPOSITORY


def python(code, *arguments):
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    network = resnet18((32, 32, 3), 2, width=4)
    path = str(tmp_path_factory.mktemp("saved") / "private.keras")
    DataMixModel(*split(network, pre_layer(1), post_layer(network)), group_size=2).save(path)
    return path


@pytest.mark.parametrize("imports", ["import datamix_tf, keras", "import keras, datamix_tf"])
def test_a_saved_model_loads_whoever_was_imported_first(saved, imports):
    code = f"import sys; {imports}; print(type(keras.saving.load_model(sys.argv[1], compile=False)).__name__)"
    assert python(code, saved) == "DataMixModel"


@pytest.mark.parametrize("module", ["datamix_tf", "datamix_tf.settings", "datamix_tf.defences", "pipeline.options"])
def test_neither_the_package_nor_its_defences_import_keras(module):
    assert python(f"import sys, {module}; print({{'keras', 'tensorflow'}} & set(sys.modules))") == "set()"


#: Every module of the library that a user may import first.
FIRST = sorted(
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
    for path in (REPOSITORY / "datamix_tf").rglob("*.py")
)


def test_any_module_may_be_imported_first():
    # One process that forks for each module: importing Keras anew would take seconds, and what is asked is
    # what our own modules find when one of them imports Keras while it is half executed itself.
    code = f"""
import importlib, os, sys
import tensorflow, keras
for module in {FIRST!r}:
    child = os.fork()
    if not child:
        for name in [name for name in sys.modules if name == "keras" or name.split(".")[0] == "datamix_tf"]:
            del sys.modules[name]
        try:
            importlib.import_module(module)
            import keras
            assert keras.saving.get_registered_object("datamix_tf>DataMixModel"), "not registered"
            assert keras.saving.get_registered_object("datamix_tf>OrthogonalKeys"), "not registered"
        except BaseException as error:
            print(module, repr(error), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
    assert len(FIRST) > 80 and python(code) == ""


@pytest.mark.parametrize("names", ["layers import OrthogonalKeys"])
def test_our_modules_import_keras_themselves(names):
    code = f"from datamix_tf.{names}; import keras; print(keras.saving.get_registered_object('datamix_tf>MixupModel'))"
    assert "MixupModel" in python(code)


def test_names_are_there_and_others_are_not():
    code = (
        "import datamix_tf; print('split' in dir(datamix_tf), hasattr(datamix_tf, 'other'), datamix_tf.split.__name__)"
    )
    assert python(code) == "True False split"
