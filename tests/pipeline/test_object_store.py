"""A run whose output is in an object store: the same figures as in a folder, and nothing else is shared."""

import json
import os
import shutil

import fsspec
import pytest

from components.errors import InputError
from components.storage import files, temporaries
from pipeline.audit import main as audit
from pipeline.lineage import main as lineage
from pipeline.orchestration.lock import FILE, locked
from pipeline.run import main
from tests.s3_server import BUCKET, s3_server

RUN = f"s3://{BUCKET}/runs/tiny"
TINY = ["--dataset", "avatars", "--examples", "80", "--image_size", "32", "--methods", "datamix", "--group_size", "2"]
TINY += ["--backbone", "splitnet", "--epochs", "1", "--batch_size", "16"]
TINY += ["--attacks", "probe", "--min_examples", "1", "--no-quick_audit"]
#: What differs between two runs of the same settings.
OWN = ("output", "lineage", "command", "keep", "to_node")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def store(cache):
    """A server, and the URL of a lineage store beside it."""
    with s3_server(cache):
        yield f"sqlite:///{cache}/lineage.db"


@pytest.fixture(scope="module")
def finished(store):
    assert main([*TINY, "--output", RUN, "--lineage", store]) == 0
    return RUN


def figures(folder):
    """metrics.json without what is a run's own."""
    metrics = json.loads(files.read_bytes(os.path.join(folder, "metrics.json")))
    for row in metrics["rows"]:
        assert row.pop("training_seconds") > 0
        for attack in row["attacks"].values():
            attack.pop("seconds_per_group", None)
    return metrics | {"settings": {name: value for name, value in metrics["settings"].items() if name not in OWN}}


def done(captured):
    lines = [line.split() for line in captured.err.splitlines() if line.startswith("[")]
    return [line[1].rstrip(":") for line in lines if line[2] == "done"]


def test_the_figures_are_those_of_a_local_run(finished, tmp_path):
    assert main([*TINY, "--output", str(tmp_path), "--to_node", "evaluator"]) == 0
    assert figures(finished) == figures(tmp_path)


def test_what_a_run_leaves(finished, cache):
    found = set(files.tree(finished))
    for name in ("metrics.json", "report.html", "serving/datamix/1/saved_model.pb", "serving/models.config"):
        assert name in found
    for node in ("example_gen/examples", "trainer/models", "pusher/deployment"):
        assert f"artifacts/{node}/{files.MARKER}" in found
    assert {"edge/manifest.json", "edge/pre.tflite", f"edge/{files.MARKER}"} <= found
    assert FILE not in found and not [
        name for name in found if temporaries.TEMPORARY_PREFIX in name or "checkpoint" in name
    ]
    assert os.listdir(cache / temporaries.WORKING) == []


def test_a_second_run_does_nothing_even_on_a_machine_that_has_copied_nothing(finished, store, cache, capsys):
    shutil.rmtree(cache / "copies")
    before = files.tree(finished)
    assert main([*TINY, "--output", f"{finished}/", "--lineage", store, "--verbose"]) == 0
    assert done(capsys.readouterr()) == []
    after = files.tree(finished)
    assert set(after) == set(before)
    same = [name for name in before if name.startswith(("artifacts/", "kept/", "serving/", "edge/"))]
    assert all(after[name] == before[name] for name in same)
    assert lineage([finished, "--lineage", store]) == 0
    assert f"made Models {finished}/artifacts/trainer/models" in capsys.readouterr().out


def test_an_artifact_without_its_marker_is_made_again(finished, store, capsys):
    files.remove(f"{finished}/artifacts/reporter/report/{files.MARKER}")
    assert main([*TINY, "--output", finished, "--lineage", store, "--verbose"]) == 0
    assert done(capsys.readouterr()) == ["reporter"]
    assert files.is_whole(f"{finished}/artifacts/reporter/report")


def test_the_audit(finished, store, capsys):
    assert audit([finished, "--lineage", store, "--attacks", "known", "--groups", "2"]) == 0
    assert "a cloud that sees" in capsys.readouterr().out
    assert {"audit.json", "audit.md"} <= set(files.names(f"{finished}/audit"))


@pytest.mark.slow
def test_two_worker_processes(finished, store):
    output = f"s3://{BUCKET}/runs/two"
    workers = ["--direct_running_mode", "multi_processing", "--direct_num_workers", "2"]
    keep = ["--keep", f"s3://{BUCKET}/kept"]
    assert main([*TINY, "--output", output, "--lineage", store, *keep, *workers]) == 0
    assert figures(output) == figures(finished)
    assert len(files.names(keep[1])) == 3 and "kept" not in files.names(output)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--output", RUN], "expected --lineage beside"),
        (["--output", "s3://nowhere/run"], "there is no bucket or root 'nowhere'"),
        (["--output", "gs://somewhere/run"], "pip install gcsfs"),
        (["--output", "{folder}", "--keep", "s3://nowhere/kept"], "there is no bucket or root 'nowhere'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(store, tmp_path, capsys, arguments, text):
    assert main([argument.format(folder=tmp_path) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("error: ") and text in error


def test_a_run_that_is_no_run_cannot_be_audited(store, capsys):
    assert audit([f"s3://{BUCKET}/nothing", "--lineage", store]) == 2
    assert "expected the output folder of a finished" in capsys.readouterr().err


def test_one_run_at_a_time(store, monkeypatch, tmp_path):
    folder = f"s3://{BUCKET}/locked"
    s3, lock = fsspec.filesystem("s3"), f"{BUCKET}/locked/{FILE}"
    with locked(folder):
        with pytest.raises(InputError, match="another run is working on"), locked(f"{folder}/"):
            pass
        assert s3.exists(lock)
        held = s3.cat_file(lock)
    assert not s3.exists(lock)
    s3.pipe_file(lock, held)  # as a killed process leaves it
    with locked(folder):
        pass
    s3.pipe_file(lock, held)
    monkeypatch.setenv(temporaries.VARIABLE, str(tmp_path))  # another machine
    with pytest.raises(InputError, match=r"if it was killed, remove s3://models/locked/\.lock"), locked(folder):
        pass
    s3.rm_file(lock)
    with locked(folder):
        assert s3.exists(lock)
