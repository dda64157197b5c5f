"""Packages that import what they export when it is used: the same names, whatever was imported before."""

import importlib
import subprocess
import sys

import pytest

FIRST = {
    "nothing": "",
    "the module of the same name": "import datamix_tf.split",
    "another user of that module": "import datamix_tf.defences.datamix, datamix_tf.split",
}


@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST)
def test_what_is_exported_stands_in_front_of_a_module_of_its_name(first):
    code = f"{first}\nfrom datamix_tf import split\nassert split.__name__ == 'split' and callable(split)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize("package", ["datamix_tf", "datamix_tf.attacks", "datamix_tf.models"])
def test_every_name_is_there_and_no_other(package):
    module = importlib.import_module(package)
    for name in module.__all__:
        assert name in dir(module) and getattr(module, name) is not None
    with pytest.raises(ImportError):
        exec(f"from {package} import nothing_of_that_name")


@pytest.mark.parametrize("package", ["datamix_tf.defences", "datamix_tf.attacks.registry", "datamix_tf.models"])
def test_registries_do_without_keras(package):
    code = f"import sys, {package}\nassert 'keras' not in sys.modules and 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
