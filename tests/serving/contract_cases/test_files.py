"""Configurations of models and folders of versions. No model is loaded: a stand-in is."""

import os
import shutil

import pytest

from serving.cloud import repository
from serving.cloud.model_config import ConfigFile, ServedModel, read_config
from serving.protocol.errors import ServingError
from tests.serving.cloud.configs import write
from tests.serving.contract_cases import configs, versions
from tests.serving.contract_cases.checking import cases, check, refused


class StandIn:
    """A version that takes no time to load; those in a folder called `broken` cannot be loaded."""

    def __init__(self, name, version, folder):
        self.name, self.version = name, version
        if "broken" in folder:
            raise OSError("injected error")


@cases(configs.CASES)
def test_configurations(case, tmp_path, monkeypatch):
    monkeypatch.setattr(repository, "Servable", StandIn)
    for folder in ("one/3", "two/3", "two/30", "broken/1"):
        _whole(tmp_path / folder)
    first, *others = (text.replace("BASE", str(tmp_path)) for text in case.given.texts)
    path = write(tmp_path / "models.config", first)
    check(case, refused(lambda: _served_after(case, path, others)))


def _whole(folder):
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"")


def _served_after(case, path, texts):
    config = ConfigFile(path, 1e-9 if case.given.polled else 0, case.given.missing_labels)
    models = repository.Repository(config)
    models.poll()
    for text in texts:
        before = models.names()
        with open(path, "w") as file:
            file.write(text)
        models.poll()
        try:
            config()
        except ServingError:
            assert models.names() == before
            raise
    if case.given.ask:
        return models.get(*case.given.ask).version
    return {name: {one.version: one.state for one in models.status(name)} for name in case.ours or case.theirs}


@cases(versions.CASES)
def test_folders_of_versions(case, tmp_path):
    found, base = [], tmp_path / "m"
    for policy, folders in case.given:
        shutil.rmtree(base, ignore_errors=True)
        for folder in folders or ():
            if folder.startswith("empty/"):
                (base / folder.removeprefix("empty/")).mkdir(parents=True)
            else:
                _whole(base / folder)
        entry = configs.model(path=str(base), more=f"model_version_policy {{ {policy} }}" if policy else "")
        (read,) = read_config(write(tmp_path / "models.config", configs.models(entry)))
        found.append({version: os.path.basename(folder) for version, folder in read.wanted().items()})
    check(case, found)


def test_models_without_versions_keep_no_others_from_answering(tmp_path, monkeypatch):
    monkeypatch.setattr(repository, "Servable", StandIn)
    for folder in ("first/3", "second/42"):
        _whole(tmp_path / folder)
    names = ("empty", "first", "second")
    models = repository.Repository(lambda: [ServedModel(name, str(tmp_path / name)) for name in names])
    models.poll()
    assert (models.get("first").version, models.get("second").version) == (3, 42)
    with pytest.raises(ServingError):
        models.get("empty")


def test_a_version_of_two_folders_is_served_once(tmp_path):
    for folder in ("2", "002", "1"):
        _whole(tmp_path / folder)
    ((version, folder),) = ServedModel("m", str(tmp_path)).wanted().items()
    assert version == 2 and os.path.basename(folder) in ("2", "002")
