"""Versions, labels and configuration files; changing versions under load."""

import json
import os
import shutil
import threading
import time

import pytest
import urllib3

from serving.cloud import deployment
from serving.cloud.model_config import ServedModel, discover, read_batching, read_config, versions_in
from serving.cloud.repository import Repository
from serving.protocol.errors import ServingError
from tests.serving.deployments import deploy_half_plus_three, served

NAME = "half_plus_three"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("versions"))
    for version in (1, 2):
        models = deploy_half_plus_three(folder, version=version)
    return models


def write(path, text):
    path.write_text(text)
    return str(path)


CONFIG = """
model_config_list {{
  config {{
    name: "{name}" base_path: "{path}" model_platform: "tensorflow"
    model_version_policy {{ {policy} }}
    version_labels {{ key: "stable" value: 1 }}
  }}
}}
"""


@pytest.mark.parametrize(
    "policy, versions",
    [("", [2]), ("latest { num_versions: 2 }", [1, 2]), ("all {}", [1, 2]), ("specific { versions: 1 }", [1])],
)
def test_policies_of_models_config(tmp_path, base, policy, versions):
    path = write(tmp_path / "models.config", CONFIG.format(name=NAME, path=f"{base}/{NAME}", policy=policy))
    (model,) = read_config(path)
    assert sorted(model.wanted()) == versions and model.labels == {"stable": 1}


@pytest.mark.parametrize("text", ["model_config_list { config { nme: 'x' } }", "}"])
def test_a_config_that_cannot_be_read(tmp_path, text):
    with pytest.raises(ServingError, match=r"models\.config"):
        read_config(write(tmp_path / "models.config", text))


def test_batching_parameters(tmp_path):
    path = write(tmp_path / "b", "max_batch_size { value: 8 } # rows\nbatch_timeout_micros { value: 0 }")
    assert (read_batching(path).max_batch_size, read_batching(path).batch_timeout_micros) == (8, 0)
    for text in ("max_batch_size: 8", "max_rows { value: 8 }", "max_batch_size { value: 0 }"):
        with pytest.raises(ServingError):
            read_batching(write(tmp_path / "b", text))
    with pytest.raises(ServingError):
        read_batching(str(tmp_path / "none"))


def test_what_the_pusher_leaves_is_what_the_server_reads(tmp_path, base):
    shutil.copytree(base, tmp_path / "serving")
    for name, text in deployment.server_files([NAME]).items():
        write(tmp_path / "serving" / name, text)
    # The paths in it are the container's; the server finds the models beside the file.
    (model,) = read_config(str(tmp_path / "serving" / deployment.MODELS_CONFIG))
    assert (model.name, sorted(model.wanted())) == (NAME, [2])
    assert read_batching(str(tmp_path / "serving" / deployment.BATCHING)).max_batch_size == 64
    compose = (tmp_path / "serving" / deployment.COMPOSE).read_text()
    assert all(name in compose for name in (deployment.MODELS_CONFIG, deployment.BATCHING, deployment.MONITORING))


def test_discovery(base):
    assert [model.name for model in discover(base, None)] == [NAME]
    assert [model.name for model in discover(os.path.join(base, NAME), None)] == [NAME]
    assert [model.name for model in discover(os.path.join(base, NAME), "other")] == ["other"]
    assert versions_in(base) == {} and sorted(versions_in(os.path.join(base, NAME))) == [1, 2]


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


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_serving(tmp_path, base):
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
    assert states[3].state == "END" and states[3].error and states[2].state == "AVAILABLE"


def test_a_disk_that_cannot_be_read_unloads_nothing(base, monkeypatch):
    repository = Repository(lambda: discover(base, None))
    repository.poll()

    def fail(path):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "listdir", fail)
    monkeypatch.setattr(os, "scandir", fail)
    repository.poll()
    assert repository.get(NAME).version == 2


def test_a_config_that_is_being_written_unloads_nothing(tmp_path, base):
    path = write(tmp_path / "models.config", CONFIG.format(name=NAME, path=f"{base}/{NAME}", policy=""))
    repository = Repository(lambda: read_config(path))
    repository.poll()
    write(tmp_path / "models.config", "")
    repository.poll()
    assert repository.get(NAME).version == 2


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
