"""Where the program prism is looked for."""

import os

import pytest
from apache_beam.options.pipeline_options import PrismRunnerOptions

from components.errors import InputError
from pipeline.orchestration.command import make_beam_options
from pipeline.orchestration.prism import find_prism


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A machine without the program."""
    for name in ("GOBIN", "GOPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def program(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o755)
    return str(path)


def test_what_go_made_goes_before_a_program_of_the_same_name(empty, monkeypatch):
    places = ["path/prism", "go/bin/prism", "mine/bin/prism", "there/prism"]
    homes = {"GOPATH": f"{empty / 'none'}{os.pathsep}{empty / 'mine'}", "GOBIN": str(empty / "there")}
    for place, variable in zip(places, (None, None, "GOPATH", "GOBIN"), strict=True):
        if variable:
            monkeypatch.setenv(variable, homes[variable])
        wanted = program(empty / place)
        assert find_prism() == wanted


def test_without_it_nothing_is_fetched_and_the_error_says_how_it_is_made(empty):
    with pytest.raises(InputError, match=r"go install github.com/apache/beam/sdks/v2/go/cmd/prism@v[0-9.]+;"):
        make_beam_options(["--runner", "PrismRunner"])


@pytest.mark.parametrize("runner", ["PrismRunner", "prism"])
def test_a_run_takes_the_program_that_is_there_and_says_that_it_listens_everywhere(empty, runner, capsys):
    path = program(empty / "go" / "bin" / "prism")
    options = make_beam_options(["--runner", runner])
    assert options.view_as(PrismRunnerOptions).prism_location == path
    assert "BEAM LISTENS ON ALL INTERFACES (PrismRunner)" in capsys.readouterr().err
    mine = make_beam_options(["--runner", runner, "--prism_location", "/mine/prism"])
    assert mine.view_as(PrismRunnerOptions).prism_location == "/mine/prism"
