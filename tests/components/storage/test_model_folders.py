"""Names of models, from the flag to the folder: none leads out of the serving folder."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.storage.model_folders import check_model_name, next_version, version_folder
from pipeline.options.run_options import parse
from pipeline.run import main

WRONG = ["../evil", "a/b", "", ".x", "..", ".", "-x", "a\\b", "a:b", "a\nb", "a b", "\u0430", "a" * 101, "/tmp/x", "\0"]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_name_is_refused_when_it_is_typed(name, tmp_path, capsys):
    output = tmp_path / "run"
    assert main([f"--model_name={name}", "--output", str(output)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: a model's name (--model_name) must be") and not output.exists()


@pytest.mark.parametrize("name", ["datamix", "a", "A-1_b.c", "_x", "7"])
def test_usual_names_are_taken(name):
    options, _ = parse(["--model_name", name])
    assert options.model_name == name


@given(st.text(max_size=12) | st.sampled_from(WRONG))
def test_no_name_that_passes_leads_out_of_the_folder(name):
    base = os.path.join(os.sep, "serving")
    try:
        folder = version_folder(base, name, 3)
    except InputError:
        return
    assert (
        os.path.normpath(folder) == os.path.join(base, name, "3") and os.path.dirname(os.path.dirname(folder)) == base
    )


def test_the_next_version_of_a_wrong_name_is_not_asked_for(tmp_path):
    with pytest.raises(InputError):
        next_version(str(tmp_path), "../other")
    check_model_name("other")
