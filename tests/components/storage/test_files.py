"""Paths that may be URLs: the same in a folder of this machine and in an object store."""

import os
import shutil

import numpy as np
import pytest

from components.base import Component, ComponentSpec
from components.caching.result_cache import cached, link_tree
from components.errors import InputError
from components.pusher import push_saved_model
from components.storage import files, temporaries
from components.storage.artifacts import Examples, atomic_file, atomic_folder, write_json
from components.storage.local_copies import local_copy
from components.storage.model_folders import next_version
from components.storage.tfrecords import shard_files
from tests.s3_server import BUCKET, refuse_everybody, s3_server


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("cache")) as url:
        yield url


@pytest.fixture(params=["local", "s3"])
def base(request, tmp_path):
    """An empty folder."""
    if request.param == "local":
        return str(tmp_path / "base")
    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.fixture
def remote(tmp_path):
    """An empty remote folder."""
    return f"s3://{BUCKET}/{tmp_path.name}"


def write(folder, **texts):
    for name, text in texts.items():
        path = os.path.join(folder, name.replace("__", "/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def contents(folder):
    """Relative path -> text of all files of a folder, the marker aside."""
    if not files.is_remote(folder):
        found = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]
        return {os.path.relpath(path, folder): files.read_bytes(path).decode() for path in found}
    names = set(files.tree(folder)) - {files.MARKER}
    return {name: files.read_bytes(os.path.join(folder, name)).decode() for name in names}


def half_written():
    return os.listdir(temporaries.folder(temporaries.WORKING))


def test_a_folder_is_replaced_whole_or_not_at_all(base):
    path = os.path.join(base, "folder")
    assert not files.is_whole(path) and not files.exists(path) and files.names(path) == []
    for texts in ({"a": "1", "sub__b": "2"}, {"a": "3"}):
        with atomic_folder(path) as working:
            write(working, **texts)
        assert files.is_whole(path) and files.is_folder(path)
        assert contents(path) == {name.replace("__", "/"): text for name, text in texts.items()}
    with pytest.raises(RuntimeError), atomic_folder(path) as working:
        write(working, a="4")
        raise RuntimeError
    assert contents(path) == {"a": "3"} and files.is_whole(path)
    assert files.names(base) == ["folder"]
    files.remove(path)
    files.remove(path)
    assert not files.exists(path) and not files.is_folder(path)
    assert half_written() == []


def test_a_file_is_replaced_whole_or_not_at_all(base):
    if not files.is_remote(base):
        os.makedirs(base)
    path = os.path.join(base, "file.json")
    write_json(path, {"a": 1})
    assert Examples(base).read_json("file.json") == {"a": 1}
    with pytest.raises(RuntimeError), atomic_file(path) as temporary:
        write(os.path.dirname(temporary), **{os.path.basename(temporary): "half"})
        raise RuntimeError
    assert Examples(base).read_json("file.json") == {"a": 1}
    assert files.names(base) == ["file.json"] and half_written() == []


def test_a_copy_is_made_once_and_anew_when_the_folder_is_rewritten(remote, monkeypatch):
    downloads = []
    download = files.download
    monkeypatch.setattr(files, "download", lambda *arguments: downloads.append(arguments) or download(*arguments))
    path = os.path.join(remote, "folder")
    for number in ("1", "1", "2"):  # rewritten with the same contents, too: the marker is another
        with atomic_folder(path) as working:
            write(working, a=number, sub__b="")
        copies = {local_copy(path), local_copy(f"{path}/")}
        assert len(copies) == 1 and contents(copies.pop()) == {"a": number, "sub/b": ""}
    assert len(downloads) == 3
    assert os.path.basename(local_copy(os.path.join(path, "a"))) == "a"
    with pytest.raises(FileNotFoundError):
        local_copy(os.path.join(remote, "nothing"))
    assert half_written() == []


class Writer(Component):
    spec = ComponentSpec(inputs={}, outputs={"examples": Examples}, parameters={"fail": bool})

    def execute(self, inputs, outputs, options):
        with files.writing(outputs["examples"].uri) as folder:
            write(folder, a="1")
        if self.parameters["fail"]:
            raise RuntimeError("no memory")


def test_what_a_component_wrote_is_there_if_it_got_whole(base):
    writer = Writer(fail=False)
    assert not writer.still_there(base)
    made = writer.run({}, base)["examples"]
    assert made.uri == os.path.join(base, "examples") and contents(made.uri) == {"a": "1"}
    assert writer.still_there(base)


def test_a_component_that_fails_leaves_no_marker(remote):
    Writer(fail=False).run({}, remote)
    with pytest.raises(RuntimeError, match="no memory"):
        Writer(fail=True).run({}, remote)
    assert not Writer(fail=False).still_there(remote) and files.names(remote) == []


def test_results_are_kept_once_and_linked(base):
    calls = []
    examples = Examples(os.path.join(base, "examples"))
    with atomic_folder(examples.uri) as working:
        write(working, **{"schema.json": "{}"})

    def make(folder):
        calls.append(folder)
        write(folder, result="1")

    keep = os.path.join(base, "kept")
    first, second = (cached(keep, {"epochs": 1}, examples, make, "components.trainer") for _ in range(2))
    assert first == second and len(calls) == 1 and contents(first) == {"result": "1"}
    link_tree(first, os.path.join(base, "linked"))
    assert contents(os.path.join(base, "linked")) == {"result": "1"}
    files.remove(os.path.join(base, "kept", files.names(keep)[0]))
    cached(keep, {"epochs": 1}, examples, make, "components.trainer")
    assert len(calls) == 2


def test_shards_are_found(base):
    with atomic_folder(base) as working:
        write(working, **{f"{split}-0{n}-of-02.tfrecord": "" for n in (1, 0) for split in ("train", "test")}, other="")
    assert shard_files(base, "train") == [os.path.join(base, f"train-0{n}-of-02.tfrecord") for n in (0, 1)]
    assert len(shard_files(base)) == 4


def test_the_model_that_servers_look_for_is_pushed_last(base, tmp_path, monkeypatch):
    source = str(tmp_path / "model")
    write(source, **{"saved_model.pb": "graph", "variables__data": "weights", "zz.pb": ""})
    version = os.path.join(base, "faces", "1")
    if files.is_remote(base):
        store, put = files.filesystem(base)[0], []  # fsspec makes one for each thread
        copy = store.put_file
        monkeypatch.setattr(store, "put_file", lambda old, new: (put.append(new), copy(old, new)))
        files.upload(str(tmp_path / "model" / "zz.pb"), os.path.join(version, "left-by-a-killed-push"))
    assert next_version(base, "faces") in (1, 2)
    push_saved_model(source, version)
    assert contents(version) == {"saved_model.pb": "graph", "variables/data": "weights", "zz.pb": ""}
    assert next_version(base, "faces") == 2
    with pytest.raises(FileExistsError):
        push_saved_model(source, version)
    if files.is_remote(base):
        assert put[-1].endswith("faces/1/saved_model.pb") and len(put) == 4


def test_checkpoints_follow_each_other(base):
    import keras

    from components.training.checkpoint import Checkpoint, progress_of, restore

    def model():
        made = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
        made.compile("sgd", "mse", jit_compile=False)
        made.optimizer.build(made.trainable_variables)
        return made

    folder = os.path.join(base, "result.checkpoint")
    assert progress_of(folder)["epochs"] == 0
    trained, saving = model(), Checkpoint(folder, 1)
    saving.set_model(trained)
    for epoch in range(2):
        trained.layers[0].kernel.assign([[epoch], [7.0]])
        saving.on_epoch_end(epoch, {"loss": 0.5})
    progress = progress_of(folder)
    assert (progress["stage"], progress["epochs"], progress["history"]) == (1, 2, {"loss": [0.5, 0.5]})
    fresh = model()
    restore(folder, fresh)
    np.testing.assert_array_equal(fresh.layers[0].kernel, [[1.0], [7.0]])
    if files.is_remote(folder):
        assert files.names(folder) == ["01-000001"]
        files.remove(os.path.join(folder, "01-000001", files.MARKER))  # as if killed in between
        assert progress_of(folder)["epochs"] == 0


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("gs://somewhere/run", "a package is missing; pip install gcsfs"),
        ("ftps://somewhere/run", "Protocol not known: ftps"),
        ("s3://nowhere/run", "there is no bucket or root 'nowhere'"),
    ],
)
def test_what_cannot_be_written_is_explained(server, url, text):
    with pytest.raises(InputError, match="expected a URL that can be used") as caught:
        files.require_writable(url)
    assert text in str(caught.value) and "\n" not in str(caught.value)


def test_refused_credentials_are_explained(server):
    refuse_everybody(server)
    try:
        with pytest.raises(InputError, match=r"access is refused .*; check the credentials"):
            files.require_writable(f"s3://{BUCKET}/run")
    finally:
        refuse_everybody(server, refused=False)
    files.require_writable(f"s3://{BUCKET}/run")
    assert files.names(f"s3://{BUCKET}/run") == []


def test_a_push_that_fails_leaves_nothing(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "saved_model.pb").write_bytes(b"model")
    (source / "gone").symlink_to(tmp_path / "nowhere")  # cannot be copied
    with pytest.raises(shutil.Error, match="gone"):
        push_saved_model(str(source), str(tmp_path / "serving" / "faces" / "1"))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["saved_model.pb"]
