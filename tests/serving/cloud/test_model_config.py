"""Which models and versions are served: configuration files and what is found in folders."""

import os

import pytest

from serving.cloud.model_config import discover, read_batching, read_config, versions_in
from serving.protocol.errors import ServingError
from tests.serving.cloud.configs import CONFIG, NAME, write


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


def test_discovery(base):
    assert [model.name for model in discover(base, None)] == [NAME]
    assert [model.name for model in discover(os.path.join(base, NAME), None)] == [NAME]
    assert [model.name for model in discover(os.path.join(base, NAME), "other")] == ["other"]
    assert versions_in(base) == {} and sorted(versions_in(os.path.join(base, NAME))) == [1, 2]
