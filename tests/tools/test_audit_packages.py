"""Known faults of packages, with answers as pip-audit gives them."""

import os
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import REPOSITORY
from tools.audit_packages import main, packages

FAULT = {"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": [], "description": "x"}


@pytest.fixture
def files(tmp_path):
    (tmp_path / "constraints.txt").write_text("# made by hand\na==1.0\nb==2.0  # why\n\n")
    return [str(tmp_path / "constraints.txt"), str(tmp_path / "stamp")]


def database(faults, asked=None, unknown=()):
    def ask(pins):
        if asked is not None:
            asked.extend(pins)
        found = [pin.split("==") for pin in pins]
        return [
            {"name": name, "skip_reason": "not there"}
            if name in unknown
            else {"name": name, "version": version, "vulns": faults.get(name, [])}
            for name, version in found
        ]

    return ask


def test_faults_are_named_and_fail(files, capsys):
    assert main(files, database({"b": [FAULT]})) == 1
    assert capsys.readouterr().err == "b 2.0: PYSEC-1, mended in 1.1\n" and not os.path.exists(files[1])


def test_what_has_no_fault_is_not_asked_again_for_a_day(files, capsys):
    asked = []
    assert [main(files, database({}, asked)) for _ in range(2)] == [0, 0] and asked == ["a==1.0", "a==1.0", "b==2.0"]
    assert "no known faults in 2\n" in capsys.readouterr().out
    os.utime(files[1], (0, 0))
    assert main(files, database({"a": [FAULT]})) == 1


@pytest.mark.parametrize("ask", [lambda pins: None, lambda pins: [], database({}, unknown=("a", "b"))])
def test_without_a_database_it_says_so_and_is_content(files, capsys, ask):
    assert main(files, ask) == 0
    assert capsys.readouterr().out == "packages: not audited, no database of known faults can be reached\n"
    assert not os.path.exists(files[1])


def test_what_the_database_does_not_know_is_not_called_faultless(files, capsys):
    assert main(files, database({}, unknown=("b",))) == 0
    assert capsys.readouterr().out == "packages: no known faults in 1, 1 not audited\n" and not os.path.exists(files[1])


def test_every_requirement_is_pinned_within_its_bounds():
    """`make setup` installs what is in constraints.txt: nothing that pyproject.toml names may be missing there."""
    pins = packages(str(REPOSITORY / "constraints.txt"))
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^\s;]+", pin) for pin in pins) and pins == sorted(pins, key=str.lower)
    pinned = {canonicalize_name(name): version for name, version in (pin.split("==") for pin in pins)}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = {name: lines for name, lines in project["optional-dependencies"].items() if name != "bench"}
    wanted = [Requirement(line) for lines in (project["dependencies"], *extras.values()) for line in lines]
    wanted = [requirement for requirement in wanted if requirement.name != project["name"]]
    assert len(wanted) > 40
    for requirement in wanted:
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, requirement
