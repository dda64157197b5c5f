"""Fingerprints of sources: what a module imports counts, what it does not import does not."""

import shutil

import pytest

from components.caching import code_fingerprint as sources


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A copy of the sources that may be changed."""
    for package in sources.PACKAGES:
        shutil.copytree(sources.ROOT / package, tmp_path / package)
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget():
    for function in (sources.fingerprint, sources.imported, sources._direct, sources._tree):
        function.cache_clear()


def changed(tree, path, module):
    before = sources.fingerprint(module)
    (tree / path).write_text((tree / path).read_text() + "\n# another line\n")
    forget()
    return sources.fingerprint(module) != before


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
    assert sources.fingerprint("someone.else") != sources.fingerprint("another") and not sources.imported("another")
