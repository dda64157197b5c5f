"""Which models and versions are served: configuration files and what is found in folders."""

import os

import pytest

from serving.cloud.batching import BatchingParameters
from serving.cloud.model_config import discover, read_batching, read_config, read_monitoring, versions_in
from serving.protocol.errors import ServingError
from tests.serving.cloud.configs import CONFIG, NAME, write


@pytest.mark.parametrize(
    "policy, versions",
    [("", [2]), ("latest { num_versions: 2 }", [1, 2]), ("all {}", [1, 2]), ("specific { versions: 1 }", [1])],
)
def test_policies_of_models_config(tmp_path, base, policy, versions):
    path = write(
        tmp_path / "models.config", CONFIG.format(name=NAME, path=f"{base}/{NAME}", policy=policy, label=versions[0])
    )
    (model,) = read_config(path)
    assert sorted(model.wanted()) == versions and model.labels == {"stable": versions[0]}


ENTRY = "config {{ name: 'm' base_path: '{path}' {more} }}"
TF = "model_platform: 'tensorflow'"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("model_config_list { config { nme: 'x' } }", "Error parsing text-format tensorflow.serving.ModelServerConfig"),
        ("}", "Error parsing text-format"),
        ("", "is empty"),
        ('custom_model_config { type_url: "x" }', "custom_model_config is not offered"),
        (ENTRY.format(path="/m", more=TF) * 2, "Illegal to list model m multiple times"),
        (ENTRY.format(path="/m", more=""), "unsupported platform ''"),
        (ENTRY.format(path="/m", more="model_platform: 'torch'"), "unsupported platform 'torch'"),
        (ENTRY.format(path="/m", more=f"model_type: TENSORFLOW {TF}"), "Illegal setting both model_type"),
        (ENTRY.format(path="/m", more="model_type: OTHER"), "unsupported platform 'other'"),
        (ENTRY.format(path="models/m", more=TF), "to have an absolute path or URI; got base_path()=models/m"),
        (ENTRY.format(path="gs://bucket/m", more=TF), "only folders are served"),
        (
            ENTRY.format(path="/m", more=f"{TF} version_labels {{ key: 'a' value: 9 }}"),
            "to version 9 of model m, which is not currently available",
        ),
    ],
)
def test_a_config_that_cannot_be_used(tmp_path, text, why):
    text = f"model_config_list {{ {text} }}" if text.startswith("config") else text
    with pytest.raises(ServingError) as raised:
        read_config(write(tmp_path / "models.config", text))
    assert "models.config" in str(raised.value) and why in str(raised.value)


def test_labels_may_be_ahead_of_their_versions_where_it_is_allowed(tmp_path):
    entry = ENTRY.format(path="/m", more="model_type: TENSORFLOW version_labels { key: 'a' value: 9 }")
    (model,) = read_config(write(tmp_path / "c", f"model_config_list {{ {entry} }}"), missing_labels=True)
    assert model.labels == {"a": 9}


def test_batching_parameters(tmp_path):
    text = """max_batch_size { value: 8 } # rows
        batch_timeout_micros { value: 0 } max_enqueued_batches { value: 1000000 } num_batch_threads { value: 3 }
        thread_pool_name { value: "pool" } allowed_batch_sizes: 2 allowed_batch_sizes: 4
        max_execution_batch_size { value: 4 }
        enable_large_batch_splitting { value: true } pad_variable_length_inputs: true"""
    expected = BatchingParameters(8, 0, 1000000, 3, "pool", 4, (2, 4))
    assert read_batching(write(tmp_path / "b", text)) == expected
    assert read_batching(write(tmp_path / "b", "")) == BatchingParameters()


@pytest.mark.parametrize(
    "text",
    [
        "max_batch_size: 8",
        "max_rows { value: 8 }",
        "max_batch_size { value: 0 }",
        "max_batch_size { value: -1 }",
        "num_batch_threads { value: 0 }",
        "batch_timeout_micros { value: -1 }",
        "max_execution_batch_size { value: 65 }",
        "allowed_batch_sizes: 8",
        "allowed_batch_sizes: [8, 4, 64]",
        "allowed_batch_sizes: [0, 64]",
    ],
)
def test_batching_parameters_that_cannot_be(tmp_path, text):
    with pytest.raises(ServingError):
        read_batching(write(tmp_path / "b", text))


def test_monitoring(tmp_path):
    def read(text):
        return read_monitoring(write(tmp_path / "m", text))

    assert read("prometheus_config { enable: true }") == "/monitoring/prometheus/metrics"
    assert read('prometheus_config: { enable: true, path: "/figures" }') == "/figures" and read("") is None
    for text in ("prometheus { }", 'prometheus_config { enable: true path: "figures" }'):
        with pytest.raises(ServingError):
            read(text)


def test_batching_parameters_that_are_not_there(tmp_path):
    with pytest.raises(ServingError):
        read_batching(str(tmp_path / "none"))


def test_discovery(base):
    assert [model.name for model in discover(base, None)] == [NAME]
    assert [model.name for model in discover(os.path.join(base, NAME), None)] == [NAME]
    assert [model.name for model in discover(os.path.join(base, NAME), "other")] == ["other"]
    assert versions_in(base) == {} and sorted(versions_in(os.path.join(base, NAME))) == [1, 2]
