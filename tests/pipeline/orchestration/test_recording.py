"""Passwords in URLs are neither recorded nor printed."""

import json

import pytest

from components.errors import InputError
from components.storage import files
from pipeline import run
from pipeline.options.run_options import parse
from pipeline.orchestration import recording
from pipeline.orchestration.store import LineageStore

SECRETS = [
    *("--lineage", "postgresql://me:hunter2@db/runs", "--mlflow=https://me:hunter2@mlflow.example"),
    *("--output", "runs/a", "--keep", "s3://bucket?secret_key=hunter2"),
]


def test_the_command_and_the_settings_have_no_passwords():
    options, _ = parse(SECRETS)
    recorded = recording.settings(options)
    assert (recorded["lineage"], recorded["output"]) == ("postgresql://me:***@db/runs", "runs/a")
    line = recording.command_line("pipeline.run", SECRETS)
    assert "--mlflow=https://me:***@mlflow.example" in line and line.startswith("python -m pipeline.run --lineage")
    assert "hunter2" not in json.dumps(recorded, default=str) + line


def test_the_lineage_store_tells_no_passwords(tmp_path):
    with pytest.raises(InputError, match=r"nothing://me:\*\*\*@db") as error:
        LineageStore("nothing://me:hunter2@db", str(tmp_path))
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("flags", [["--output", "sftp://me:hunter2@host/run"], ["--output", "memory://r", "--keep"]])
def test_folders_that_are_urls_must_have_no_password(flags, capsys):
    """Where artifacts lie is recorded, and read again: a mask would not do."""
    flags = [*flags, "s3://me:hunter2@bucket"] if flags[-1] == "--keep" else flags
    assert run.main(flags) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: expected a URL without a password") and ":***@" in said and "hunter2" not in said


def test_what_files_say_of_a_url_has_no_password():
    with pytest.raises(InputError) as error, files.explained("s3://me:hunter2@bucket"):
        raise OSError("s3://me:hunter2@bucket is away")
    assert "hunter2" not in str(error.value)
