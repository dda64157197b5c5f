"""Versions and labels; changing versions under load."""

import json
import os
import shutil
import threading
import time

import pytest
import urllib3

from serving.cloud.model_config import ConfigFile, ServedModel, discover
from serving.cloud.repository import Repository
from tests.serving.cloud.configs import CONFIG, NAME, write
from tests.serving.deployments import deploy_half_plus_three, served


def test_labels_and_several_versions(tmp_path, base):
    model = ServedModel(NAME, f"{base}/{NAME}", latest=None, labels={"stable": 1})
    with served(lambda: [model]) as server, urllib3.PoolManager(retries=False) as pool:
        body = json.dumps({"instances": [1.0]})

        def version_of(path):
            response = pool.request("GET", f"{server.rest_url}/v1/models/{NAME}{path}/metadata")
            return json.loads(response.data)["model_spec"]["version"]

        assert (version_of(""), version_of("/versions/1"), version_of("/labels/stable")) == ("2", "1", "1")
        for path in ("", "/versions/1", "/labels/stable"):
            assert pool.request("POST", f"{server.rest_url}/v1/models/{NAME}{path}:predict", body=body).status == 200
        status = json.loads(pool.request("GET", f"{server.rest_url}/v1/models/{NAME}").data)
        assert [entry["version"] for entry in status["model_version_status"]] == ["2", "1"]


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_serving(tmp_path, base, caplog):
    shutil.copytree(base, tmp_path / "models")
    repository = Repository(lambda: discover(str(tmp_path / "models"), None))
    repository.poll()
    broken = tmp_path / "models" / NAME / "3"
    broken.mkdir()
    repository.poll()
    assert repository.get(NAME).version == 2, "a folder without saved_model.pb is no version yet"
    (broken / "saved_model.pb").write_bytes(b"broken")
    repository.poll()
    assert repository.get(NAME).version == 2
    states = {status.version: status for status in repository.status(NAME)}
    assert states[3].state == "END" and states[2].state == "AVAILABLE"
    assert "the server's log" in states[3].error and str(tmp_path) in caplog.text
    assert "/" not in states[3].error  # whoever asks for the status learns no path


def test_a_folder_without_a_version_beside_the_models_keeps_nothing_from_being_ready(tmp_path, base, caplog):
    shutil.copytree(base, tmp_path / "models")
    (tmp_path / "models" / "empty").mkdir()
    (tmp_path / "models" / "begun" / "1").mkdir(parents=True)  # its saved_model.pb comes last
    repository = Repository(lambda: discover(str(tmp_path / "models"), None))
    assert not repository.ready
    repository.poll()
    assert (
        repository.ready and "no version of model empty" in caplog.text and "no version of model begun" in caplog.text
    )
    (tmp_path / "models" / "begun" / "1" / "saved_model.pb").write_bytes(b"broken")
    repository.poll()
    assert not repository.ready, "what is there and cannot be loaded is told"


def test_a_disk_that_cannot_be_read_unloads_nothing(base, monkeypatch):
    repository = Repository(lambda: discover(base, None))
    repository.poll()

    def fail(path):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "listdir", fail)
    monkeypatch.setattr(os, "scandir", fail)
    repository.poll()
    assert repository.get(NAME).version == 2


def test_a_config_that_is_being_written_unloads_nothing(tmp_path, base, caplog):
    path = write(tmp_path / "models.config", CONFIG.format(name=NAME, path=f"{base}/{NAME}", policy="", label=2))
    repository = Repository(ConfigFile(path, poll_seconds=1e-9))
    repository.poll()
    for text in ("", 'custom_model_config { type_url: "x" }', "}"):
        write(tmp_path / "models.config", text)
        for _ in range(3):
            repository.poll()
        assert repository.get(NAME).version == 2
    assert caplog.text.count("keeping the models that are served") == 3, "each fault is told once"


def test_a_configuration_is_read_once_where_it_is_not_polled(tmp_path, base):
    text = CONFIG.format(name=NAME, path=f"{base}/{NAME}", policy="", label=2)
    path = write(tmp_path / "models.config", text)
    once, often = ConfigFile(path), ConfigFile(path, poll_seconds=1e-9)
    write(tmp_path / "models.config", text.replace(NAME, "other", 1))
    assert [model.name for model in once()] == [NAME] and [model.name for model in often()] == ["other"]


def test_the_disk_is_looked_at_once_where_it_is_not_polled(tmp_path, base):
    shutil.copytree(base, tmp_path / "models")
    repository = Repository(lambda: discover(str(tmp_path / "models"), None), poll_seconds=0)
    repository.start()
    assert repository.wait(30)
    shutil.rmtree(tmp_path / "models" / NAME / "2")
    repository.close()  # the watch has ended by itself
    assert repository.get(NAME).version == 2


@pytest.mark.parametrize(
    ("inside", "path", "name", "told"),
    [
        ("", "", None, "it is empty"),
        ("serving/", "", None, "it holds serving/; serving has models: name that one"),
        ("serving/", f"serving/{NAME}/1", None, "it holds saved_model.pb: a version itself; name the folder above it"),
        ("serving/", "edge", None, "it holds manifest.json; serving has models: name that one"),
        ("", "edge", None, "an edge bundle, which `python -m serving.edge predict --bundle` takes"),
        ("serving/", "serving", "mine", f"it holds {NAME}/, which hold versions: name one of them"),
    ],
)
def test_what_is_there_where_no_version_is(tmp_path, monkeypatch, caplog, inside, path, name, told):
    monkeypatch.chdir(tmp_path)
    if path == "edge":
        (tmp_path / "edge").mkdir()
        (tmp_path / "edge" / "manifest.json").write_text("{}")
    if inside:
        (tmp_path / inside / NAME / "1").mkdir(parents=True)
        (tmp_path / inside / NAME / "1" / "saved_model.pb").write_bytes(b"")
    repository = Repository(lambda: discover(path or ".", name))
    for _ in range(3):
        repository.poll()
    assert told in caplog.text
    assert caplog.text.count("no version of model") == 1 and "NUMBER/saved_model.pb" in caplog.text
    assert not repository.ready


def test_new_versions_come_and_old_ones_go_without_a_failed_request(tmp_path):
    base = deploy_half_plus_three(str(tmp_path), version=1)
    failures, answered, stop = [], [0], threading.Event()
    with served(base, poll_seconds=0.05) as server:

        def ask():
            pool = urllib3.PoolManager(retries=False)
            while not stop.is_set():
                response = pool.request(
                    "POST", f"{server.rest_url}/v1/models/{NAME}:predict", body='{"instances": [1.0, 2.0]}'
                )
                answered[0] += 1
                if response.status != 200 or json.loads(response.data) != {"predictions": [3.5, 4.0]}:
                    failures.append(response.data)

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        for version in (2, 3, 4):
            deploy_half_plus_three(str(tmp_path), version=version)
            end = time.monotonic() + 20
            while server.repository.get(NAME).version != version:
                assert time.monotonic() < end
                time.sleep(0.01)
            enough = answered[0] + 10
            while answered[0] < enough:
                assert time.monotonic() < end
                time.sleep(0.01)
        shutil.rmtree(tmp_path / "models" / NAME / "1")
        time.sleep(0.3)
        stop.set()
        for client in clients:
            client.join()
        states = {status.version: status.state for status in server.repository.status(NAME)}
    assert not failures
    assert states == {1: "END", 2: "END", 3: "END", 4: "AVAILABLE"}
