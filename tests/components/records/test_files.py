"""The files themselves: read and written again they are the same, and damaged in any place they are one clear error."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.records.attacks import AttackResult
from components.records.audit import AuditReport
from components.records.dataset import Dataset, DatasetSchema
from components.records.metrics import Metrics
from components.records.page import Page
from components.records.serialising import converted, plain, read
from components.records.training import Training
from components.storage.artifacts import Examples, Models, write_json
from components.training import models as trained
from tests import pages

SPLITS = {"train": 60, "valid": 20, "test": 40}
SCHEMA = {
    "name": "faces",
    "kind": "image",
    "fingerprint": "f" * 64,
    "target": ["age"],
    "hidden": ["identity"],
    "task": "categorical",
    "classes": {"age": ["1", "2"], "identity": ["a", "b"]},
    "label_counts": {"age": {"1": 100, "2": 20}, "identity": {"a": 60, "b": 60}},
    "splits": SPLITS,
    "official_split": False,
    "bad_records": 1,
    "preprocessing": {"kind": "image", "height": 32, "width": 32},
    "shape": [32, 32, 3],
    "dtype": "uint8",
    "mean": [1.5, 2.0, 3.25],
    "variance": [100.0, 1e-05, 0.0],
}
TOLD = ("name", "kind", "fingerprint", "target", "hidden", "task", "splits", "bad_records", "shape", "official_split")
ACCURACY = {"valid_accuracy": 0.5, "test_accuracy": 0.25, "balanced_accuracy": 0.125, "auc": 1.0}
ATTACK = {"id": "label", "threat": "single", "score": 0.5, "chance": 0.25, "n": 40, "measure": "accuracy"}
ATTACK |= {"standard_error": 0.0, "attack": "a network", "curve": [0.5, 1], "classes": 4}
ROW = {
    "method": "datamix",
    "settings": {"width": 8, "augment": ["flip"], "seed": 0, "num_pre_blocks": 1, "group_size": 4},
    "edge_params": 10,
    "edge_macs": 20,
    "bytes_up": 30,
    "bytes_down": 40,
    **ACCURACY,
    "balanced_accuracy_at_half": 0.0,
    "attacks": {"age": ATTACK, "set": {"id": "set", "threat": "single", "skipped": "sets are of classes"}},
    "training_seconds": 1.5,
    "unmixed": ACCURACY,
    "wrong_key": ACCURACY,
    "rank_sent": 3,
    "logit_change": 0.0,
    "model": "datamix-seed0",
}
METRICS = {
    "schema": 1,
    "settings": {"preset": "small", "repeats": 1, "command": "python -m pipeline.run"},
    "dataset": {name: SCHEMA[name] for name in TOLD},
    "rows": [ROW],
    "summary": [
        {
            "method": "datamix",
            "num_pre_blocks": 1,
            "group_size": 4,
            "seeds": 1,
            "models": ["datamix-seed0"],
            "edge_params": 10,
            "edge_macs": 20,
            "bytes_up": 30,
            "bytes_down": 40,
            "mean": {"test_accuracy": 0.25, "attack age": 0.5},
            "std": {"test_accuracy": 0.0, "attack age": 0.0},
        }
    ],
}
SCORE = {"model": "m", "id": "label", "name": "age", **ATTACK, "seconds": 3.5}
FILES = {
    "schema": (DatasetSchema, SCHEMA),
    "metrics": (Metrics, METRICS),
    "unpublished metrics": (Metrics, {name: part for name, part in METRICS.items() if name != "settings"}),
    "scores": (
        list[AttackResult],
        [SCORE, {"model": "m", "id": "set", "name": "set", "skipped": "sets are of classes"}],
    ),
    "audit": (
        AuditReport,
        {
            "schema": 1,
            "dataset": {"name": "faces", "fingerprint": "f", "splits": SPLITS},
            "command": "python -m pipeline.audit",
            "models": {"m": {"defence": {"id": "datamix", "num_pre_blocks": 1, "group_size": 4}, "augment": ["flip"]}},
            "scores": [{**SCORE, "probe": "a network on one mixture"}],
        },
    ),
    "training": (
        Training,
        {"config": {"epochs": 2}, "seconds": 1.5, "steps": 9, "history": {"loss": [0.5, 0.25], "accuracy": []}},
    ),
    "page": (Page, plain(pages.page("audio", bad=["a.wav"]))),
}


def places(value, path=()):
    """The path of everything in JSON-ready data."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from places(item, (*path, key))


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_and_written_byte_by_byte(tmp_path, name):
    kind, value = FILES[name]
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(value, indent=1) + "\n")
    write_json(str(after), read(str(before), kind))
    assert after.read_bytes() == before.read_bytes()


@pytest.mark.parametrize("name", ["metrics", "audit", "page"])
@pytest.mark.parametrize("schema", [2, 0, "1", None, True])
def test_another_version_is_one_clear_error(tmp_path, name, schema):
    kind, value = FILES[name]
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(value | {"schema": schema}))
    with pytest.raises(InputError, match=rf"expected {path} as this version writes it, but .* run what wrote it again"):
        read(str(path), kind)
    path.write_text(json.dumps({key: part for key, part in value.items() if key != "schema"}))
    with pytest.raises(InputError, match="its schema is None, and 1 is read"):
        read(str(path), kind)


@given(st.data())
def test_whatever_is_missing_or_of_another_type_the_error_is_ours(tmp_path_factory, data):
    """What is left is a record with all of its fields, or an InputError of one line."""
    kind, value = FILES[data.draw(st.sampled_from(list(FILES)))]
    value = copy.deepcopy(value)
    *path, last = data.draw(st.sampled_from(list(places(value))))
    holder = value
    for key in path:
        holder = holder[key]
    if data.draw(st.booleans()):
        del holder[last]
    else:
        holder[last] = data.draw(st.sampled_from([None, "text", -1, 0.5, [], {}, [[]], {"score": 1.0}, True]))
    file = tmp_path_factory.mktemp("damaged") / "file.json"
    file.write_text(json.dumps(value))
    try:
        found = read(str(file), kind)
    except InputError as error:
        assert "\n" not in str(error) and str(file) in str(error)
    else:
        assert converted(plain(found), kind) == found


def test_a_data_set_is_told_as_it_was():
    schema = converted(SCHEMA, DatasetSchema)
    assert list(plain(Dataset.of(schema)).items()) == [(name, SCHEMA[name]) for name in TOLD]
    whole = plain(Dataset.of(schema, whole=True))
    assert list(whole) == [*TOLD, "preprocessing", "label_counts"] and whole["label_counts"] == SCHEMA["label_counts"]


def test_artifacts_read_their_records(tmp_path):
    write_json(str(tmp_path / "schema.json"), SCHEMA)
    examples, models = Examples(str(tmp_path)), Models(str(tmp_path))
    assert examples.schema().shape == (32, 32, 3) and examples.read_json("schema.json") == SCHEMA
    (tmp_path / "models.json").write_text('{"another": "file"}')
    for look in (lambda: trained.names(models), lambda: trained.training(models, "m")):
        with pytest.raises(InputError, match="as this version writes it"):
            look()
