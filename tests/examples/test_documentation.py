"""Every script explains itself and is in the documentation's table."""

import runpy
import sys

import pytest

from tests.conftest import REPOSITORY

SCRIPTS = sorted(
    path.stem for path in (REPOSITORY / "examples").glob("*.py") if "__main__" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_has_help_and_is_named_in_the_documentation(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(REPOSITORY / "examples" / f"{name}.py"), run_name="__main__")
    shown = capsys.readouterr().out
    source = (REPOSITORY / "examples" / f"{name}.py").read_text(encoding="utf-8")
    assert stopped.value.code == 0
    assert source.removeprefix('"""').splitlines()[0] in shown
    assert f"`{name}.py`" in (REPOSITORY / "docs" / "how-to" / "examples.md").read_text(encoding="utf-8")


def test_all_scripts_are_found():
    assert len(SCRIPTS) >= 6
