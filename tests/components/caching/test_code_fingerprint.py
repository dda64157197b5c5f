"""Fingerprints of sources: what a module imports counts, what it does not import does not."""

import importlib
import shutil

import pytest

from components.caching import code_fingerprint
from datamix_tf.defences import DataMix


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A copy of the sources that may be changed."""
    for package in code_fingerprint.PACKAGES:
        shutil.copytree(code_fingerprint.ROOT / package, tmp_path / package)
    monkeypatch.setattr(code_fingerprint, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget():
    for name in ("fingerprint", "imported", "_direct", "_tree"):
        getattr(code_fingerprint, name).cache_clear()


def changed(tree, path, module):
    before = code_fingerprint.fingerprint(module)
    (tree / path).write_text((tree / path).read_text() + "\n# another line\n")
    forget()
    return code_fingerprint.fingerprint(module) != before


@pytest.mark.parametrize(
    ("path", "module", "counts"),
    [
        ("components/trainer.py", "components.trainer", True),
        ("datamix_tf/layers/mixing.py", "components.trainer", True),  # imported by what it imports
        ("datamix_tf/models/bottleneck.py", "components.trainer", True),  # within a function
        ("datamix_tf/__init__.py", "components.trainer", True),
        ("datamix_tf/attacks/pooled/linker.py", "components.trainer", False),
        ("components/attacker.py", "components.trainer", False),
        ("pipeline/options/run_options.py", "components.trainer", False),
        ("datamix_tf/attacks/pooled/linker.py", "components.auditor", True),
        ("components/report/headline.html", "components.reporter", True),
        ("components/report/style.css", "components.reporter", True),
        ("components/report/script.js", "components.reporter", True),
        ("components/report/model_card.md", "components.reporter", True),
        ("components/report/style.css", "components.evaluator", False),
    ],
)
def test_what_a_module_needs_counts(tree, path, module, counts):
    assert changed(tree, path, module) == counts


def test_a_user_s_own_module_is_known_by_its_name():
    assert code_fingerprint.fingerprint("someone.else") != code_fingerprint.fingerprint("another")
    assert not code_fingerprint.imported("another")


def test_the_code_of_a_class_of_a_user_s_own_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    for name, text in (("one_of_mine", "class Mine:\n    x = 1\n"), ("two_of_mine", "class Mine:\n    x = 2\n")):
        (tmp_path / f"{name}.py").write_text(text)
        found.append(code_fingerprint.of_plugin(importlib.import_module(name).Mine))
    assert found[0] != found[1]
    assert code_fingerprint.of_plugin(DataMix) == {}
