"""The command, as a user calls it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from components.storage.temporaries import TEMPORARY_PREFIX
from datamix_tf.attacks.threat_models import THREATS
from pipeline.lineage import main as lineage
from pipeline.options.run_options import parse
from pipeline.orchestration.command import make_beam_options
from pipeline.run import main
from tests import datasets
from tests.conftest import REPOSITORY
from tests.listening import beyond_loopback, listening

SMALL = ["--backbone", "splitnet", "--image_size", "32", "--epochs", "2", "--attack_epochs", "1", "--batch_size", "32"]
#: Learns too little to be perfect on the test split.
SLOW = ["--attack_epochs", "0", "--learning_rate", "1e-5"]


def temporaries(folder):
    return [
        name for _, folders, files in os.walk(folder) for name in folders + files if name.startswith(TEMPORARY_PREFIX)
    ]


@pytest.fixture(scope="module")
def keep(tmp_path_factory):
    """Finished trainings that several tests take."""
    return str(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return datasets.zipped(datasets.pictures(tmp_path_factory.mktemp("data") / "faces", n=200))


def test_from_a_zip_to_a_served_model(faces, tmp_path, capsys):
    output = tmp_path / "run"
    arguments = ["--runner", "DirectRunner", "--dataset", f"folder:{faces}", "--output", str(output), "--repeats", "2"]
    arguments += ["--package", "edge_head"]
    assert main([*arguments, "--num_pre_blocks", "3", "--group_size", "4", *SMALL, *SLOW]) == 0
    table = capsys.readouterr().out
    assert "DataMix with a linear path, N_pre=3, S_G=4" in table and "all in the cloud" in table
    metrics = json.loads((output / "metrics.json").read_text())
    assert [row["method"] for row in metrics["rows"]] == [
        *("edge", "cloud", "datamix", "linear_cloud"),
        *("edge_head", "edge_head"),
    ] * 2
    assert metrics["answer"]["text"].replace(" ", "") in table.replace("\n", "").replace(" ", "")
    assert metrics["answer"]["text"] in (output / "report.html").read_text()
    gains = [entry["gain"] for entry in metrics["summary"] if entry["method"] in ("cloud", "datamix", "linear_cloud")]
    assert len(gains) == 3 and all(gain["standard_error"] > 0 for gain in gains)
    assert metrics["settings"]["group_size"] == 4
    assert all(entry["seeds"] == 2 for entry in metrics["summary"])
    for path in ("report.html", "serving/datamix/1/saved_model.pb", "edge/pre.tflite", "edge/post.tflite"):
        assert (output / path).stat().st_size > 0
    assert (output / "edge_only" / "model.tflite").stat().st_size > 0
    assert f"{output}/edge_only: for `python -m serving.edge predict` without a server" in table
    assert not temporaries(output)


def test_running_again_repeats_what_has_changed_and_nothing_else(faces, keep, tmp_path, capsys):
    arguments = ["--dataset", f"folder:{faces}", "--output", str(tmp_path), "--methods", "datamix", *SMALL]
    arguments += ["--keep", keep]
    arguments += ["--epochs", "1", *SLOW]

    def repeated(*more):
        assert main([*arguments, *more, "--verbose"]) == 0
        lines = [line.split() for line in capsys.readouterr().err.splitlines() if line.startswith("[")]
        return [line[1].rstrip(":") for line in lines if line[2] == "done"]

    everything = repeated()
    assert everything[0] == "example_gen" and everything[-1] == "pusher" and len(everything) == 9
    page = (tmp_path / "report.html").read_text()
    assert repeated("--keep", str(tmp_path / "elsewhere")) == []
    again = (tmp_path / "report.html").read_text()
    assert "elsewhere" in again and "elsewhere" not in page  # the command is of this run, what was made is not
    assert os.listdir(tmp_path / "serving" / "datamix") == ["1"]
    after = ["packager", "reporter", "infra_validator", "pusher"]
    assert repeated("--model_name", "other") == after
    assert repeated("--model_name", "other", "--no_cache", "--from_node", "packager") == after
    assert sorted(os.listdir(tmp_path / "serving" / "other")) == ["1", "2"]
    assert json.loads((tmp_path / "edge" / "manifest.json").read_text())["model_version"] == 2
    assert lineage([str(tmp_path)]) == 0
    text = capsys.readouterr().out
    for part in ("pusher", "packager", "trainer", "transform", "example_gen", '"group_size": 8', "folder:"):
        assert part in text
    strict = ["--model_name", "other", "--min_balanced_accuracy", "1"]
    assert main([*arguments, *strict]) == 1
    assert "the model was not pushed: balanced accuracy >= 1" in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path / "serving" / "other")) == ["1", "2"]
    assert repeated("--model_name", "other", "--test_share", "0.3", "--to_node", "trainer") == [
        "example_gen",
        "transform",
        "trainer",
    ]


def test_speech_and_other_target_columns(tmp_path):
    words = datasets.recordings(tmp_path / "words", n=120)
    arguments = ["--dataset", f"folder:{words}", "--output", str(tmp_path / "run"), *SMALL]
    assert main([*arguments, "--target", "speaker", "--hidden", "keyword", "--methods", "datamix"]) == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["dataset"]["target"] == ["speaker"]
    attacks = metrics["rows"][0]["attacks"]
    assert {"speaker", "keyword"} < set(attacks)
    # What trains nothing is tried in every run, under every threat model.
    assert {attack["threat"] for attack in attacks.values()} == {*THREATS}


@pytest.mark.slow
def test_hand_crafted_obfuscations_beside_datamix(faces, keep, tmp_path):
    arguments = ["--keep", keep, "--methods", "noise,mixup,datamix", "--noise", "0.25"]
    output, quick = tmp_path / "run", ["--epochs", "1", "--attack_epochs", "0"]
    assert main(["--dataset", f"folder:{faces}", "--output", str(output), *arguments, *SMALL, *quick]) == 0
    rows = {}
    for row in json.loads((output / "metrics.json").read_text())["rows"]:
        rows[row["method"], row["settings"].get("variance")] = row
    assert set(rows) == {("noise", 0.25), ("mixup", None), ("datamix", None)}
    assert rows["noise", 0.25]["bytes_up"] == 4 * 32 * 32 * 3
    assert rows["mixup", None]["bytes_up"] == 4 * 32 * 32 * 3 and "unmixed" in rows["mixup", None]
    assert rows["noise", 0.25]["edge_macs"] == 0
    assert rows["mixup", None]["edge_macs"] == 2 * (32 * 32 * 3 + 2)  # pairs: two for each value sent and answered
    page = (output / "report.html").read_text()
    assert all(text in page for text in ("adding noise N(0, 0.25)", "mixup, raw inputs in pairs"))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--dataset", "faces"], "there is no data set 'faces'"),
        (["--dataset", "folder:/nowhere"], "does not exist"),
        (["--dataset", "folder:FACES", "--target", "Smile"], "no label column 'Smile'; it has identity, red, bright"),
        (["--dataset", "folder:FACES", "--hidden", "age"], "no label column 'age'"),
        (["--group_size", "0"], "--group_size must be at least 1; received 0"),
        (["--num_pre_blocks", "4"], "--num_pre_blocks must be of 0, 1, 2, 3; received 4"),
        (["--methods", "edge"], "must include one that mixes and is packaged (datamix, "),
        (["--methods", "datamix,fog"], "--methods must be of edge, cloud, edge_half, noise, blur, anonymizer, mixup"),
        (["--noise", "-1"], "--noise must be at least 0; received -1"),
        (["--blur", "0"], "--blur must be at least 1; received 0"),
        (["--valid_share", "0.6", "--test_share", "0.5"], "must sum below 1"),
        (["--epoch", "5"], "neither this command (see --help) nor Beam's direct runner knows --epoch"),
        (["--epochs", "x"], "--epochs must be a whole number, at least 1; received x"),
        (["--direct-num-workers", "2"], "expected --direct_num_workers, received --direct-num-workers"),
        (["stray"], "'stray' stands alone"),
        (["--runner", "DaskRunner"], "--runner DaskRunner drops data without a word"),
        (["--runner", "NoRunner"], "--runner NoRunner cannot be used"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, text, faces, tmp_path, capsys):
    arguments = [argument.replace("FACES", str(faces)) for argument in arguments]
    assert main([*arguments, "--output", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("error: ") and text in error


def test_a_zip_that_is_cut_off(faces, tmp_path, capsys):
    path = tmp_path / "cut.zip"
    path.write_bytes(faces.read_bytes()[: faces.stat().st_size // 2])
    assert main(["--dataset", f"folder:{path}", "--output", str(tmp_path / "run")]) == 2
    assert "not a whole zip archive" in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["--output", str(tmp_path / "file" / "run")]) == 2
    assert "expected an output folder that can be written" in capsys.readouterr().err


def test_ctrl_c_leaves_nothing_half_written(faces, tmp_path):
    output = tmp_path / "run"
    command = [sys.executable, "-m", "pipeline.run", "--dataset", f"folder:{faces}", "--output", str(output)]
    process = subprocess.Popen([*command, *SMALL, "--epochs", "500"], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(output.glob(f"artifacts/trainer/{TEMPORARY_PREFIX}*")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "error: interrupted" in error and "Traceback" not in error
    assert not temporaries(output)
    assert not (output / "artifacts" / "trainer" / "models").exists()
    assert not (output / "metrics.json").exists() and not (output / "serving").exists()


def test_help_answers_at_once_and_explains_every_flag():
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-m", "pipeline.run", "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert time.monotonic() - started < 5
    for flag in ("--dataset", "--output", "--group_size", "--num_pre_blocks", "--epochs", "--seed", "--hidden"):
        assert flag in result.stdout


def test_what_is_unknown_goes_to_beam():
    options, beam_arguments = parse(["--epochs", "7", "--direct_num_workers", "2"])
    assert beam_arguments == ["--direct_num_workers", "2"] and options.epochs == 7


@pytest.mark.parametrize("environment", ["LOOPBACK", "EXTERNAL"])
def test_where_beam_listens_on_all_interfaces_a_line_says_so(environment, capsys):
    make_beam_options(["--environment_type", environment])
    line = capsys.readouterr().err
    assert line.startswith(f"*** BEAM LISTENS ON ALL INTERFACES ({environment})") and "private network only" in line
    make_beam_options([])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("mode", ["multi_threading", pytest.param("multi_processing", marks=pytest.mark.slow)])
def test_beam_s_workers_of_this_machine_are_reached_on_loopback_alone(mode, capfd, tmp_path):
    """Looked at from within the pipeline, while its ports are open."""
    beam = pytest.importorskip("apache_beam")
    found, pid = tmp_path / "found", os.getpid()
    options = make_beam_options(["--direct_running_mode", mode, "--direct_num_workers", "2"])
    assert "LISTENS" not in capfd.readouterr().err

    def look(_):
        found.write_text(json.dumps([len(listening(pid)), sorted(beyond_loopback(pid))]))

    with beam.Pipeline(options=options) as pipeline:
        pipeline | beam.Create([1]) | beam.Map(look)
    count, beyond = json.loads(found.read_text())
    assert count >= 4 and beyond == []


@pytest.mark.parametrize("command", ["pipeline.run", "pipeline.train_worker"])
def test_help_says_what_is_for_private_networks_only(command):
    result = subprocess.run([sys.executable, "-m", command, "--help"], cwd=REPOSITORY, capture_output=True, text=True)
    assert "private network only" in " ".join(result.stdout.split())
