"""What is public in datamix_tf and serving is documented, each module has its place in the API reference."""

import re
import types

from tests.conftest import REPOSITORY
from tools import documented_names


def test_every_public_name_is_documented():
    assert not [name for name, documented in documented_names.names() if not documented]


def test_what_has_no_docstring_is_noticed(monkeypatch):
    module = types.ModuleType("library", "It is documented.")
    source = """
class Base:
    "One."
    def told(self):
        "Told."
class Kind(Base):
    "Two."
    def told(self): pass
    def untold(self): pass
    def _private(self): pass
def function(): pass
"""
    exec(source, vars(module))
    monkeypatch.setattr(documented_names, "modules", lambda: [module])
    missing = {name for name, documented in documented_names.names() if not documented}
    assert missing == {"library.Kind.untold", "library.function"}


def test_every_module_stands_in_the_reference_once():
    pages = (REPOSITORY / "docs" / "reference" / "api").glob("*.md")
    shown = [name for page in pages for name in re.findall(r"^::: ([\w.]+)$", page.read_text(encoding="utf-8"), re.M)]
    there = {module.__name__ for module in documented_names.modules() if not hasattr(module, "__path__")}
    assert len(shown) == len(set(shown)) and set(shown) == there - {"serving.demo"}  # an alias
