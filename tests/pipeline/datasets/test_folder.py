import json
import os
import shutil

import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that

from components.errors import InputError
from components.storage.records import BadRecord
from pipeline.datasets import open_dataset
from pipeline.datasets.folder import Folder
from tests import datasets


@pytest.mark.parametrize("as_zip", [False, True])
def test_pictures_are_read_in_place(tmp_path, as_zip):
    folder = datasets.pictures(tmp_path / "faces", n=6)
    source = Folder(str(datasets.zipped(folder) if as_zip else folder))
    assert (source.name, source.kind) == ("faces", "image")
    assert (source.target, source.hidden) == (("red", "bright"), ("identity",))

    def check(records):
        records = sorted(records, key=lambda record: record.name)
        assert [record.name for record in records] == [f"images/{index:04d}.png" for index in range(6)]
        for record in records:
            assert record.content == (folder / record.name).read_bytes()
        assert [record.labels["identity"] for record in records] == list("012301")

    with TestPipeline() as pipeline:
        assert_that(pipeline | source.read(), check)


@pytest.mark.parametrize("as_zip", [False, True])
def test_speech_labels_come_from_the_paths(tmp_path, as_zip):
    folder = datasets.recordings(tmp_path / "words", n=4)
    source = Folder(str(datasets.zipped(folder) if as_zip else folder))
    assert (source.kind, source.target, source.hidden) == ("audio", ("keyword",), ("speaker",))

    def check(records):
        assert sorted((r.labels["keyword"], r.labels["speaker"]) for r in records) == [
            ("high", "speaker0"),
            ("high", "speaker1"),
            ("low", "speaker0"),
            ("low", "speaker2"),
        ]

    with TestPipeline() as pipeline:
        assert_that(pipeline | source.read(), check)


def test_a_listed_file_that_is_not_there_is_a_bad_record(tmp_path):
    folder = datasets.pictures(tmp_path / "faces", n=3)
    (folder / "images" / "0001.png").unlink()

    def check(records):
        bad = [record for record in records if isinstance(record, BadRecord)]
        assert [record.name for record in bad] == ["images/0001.png"]
        assert len(records) == 3

    with TestPipeline() as pipeline:
        assert_that(pipeline | Folder(str(folder)).read(), check)


def test_a_zip_that_is_cut_off_is_explained(tmp_path):
    path = datasets.zipped(datasets.pictures(tmp_path / "faces", n=20))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError, match=r"faces\.zip is not a whole zip archive"):
        open_dataset(f"folder:{path}")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({}, "has neither images/"),
        ({"labels.csv": "name,a\n"}, "the first line of labels.csv must be 'file'"),
        ({"labels.csv": "file,a\n"}, "no files"),
    ],
)
def test_other_layouts_are_explained(tmp_path, content, text):
    for name, value in content.items():
        (tmp_path / name).write_text(value)
    with pytest.raises(InputError, match=text):
        open_dataset(f"folder:{tmp_path}")


def test_a_missing_folder_and_an_unknown_name_are_explained(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        open_dataset(f"folder:{tmp_path / 'nothing'}")
    with pytest.raises(InputError, match="there is no data set 'cifar'"):
        open_dataset("cifar")


def test_the_fingerprint_follows_the_files(tmp_path):
    folder = datasets.pictures(tmp_path / "faces", n=3)
    before = Folder(str(folder)).fingerprint
    assert Folder(str(folder)).fingerprint == before
    (folder / "images" / "more.png").write_bytes(b"")
    assert Folder(str(folder)).fingerprint != before


def test_the_fingerprint_of_a_copied_archive_stays_and_that_of_a_changed_one_does_not(tmp_path):
    folder = datasets.pictures(tmp_path / "faces", n=3)
    first = shutil.make_archive(str(tmp_path / "first"), "zip", folder)
    copy = shutil.copyfile(first, tmp_path / "copy.zip")
    assert os.stat(copy).st_mtime_ns != os.stat(first).st_mtime_ns
    assert Folder(str(copy)).fingerprint == Folder(first).fingerprint
    picture = next((folder / "images").iterdir())
    picture.write_bytes(picture.read_bytes() + b"!")
    changed = shutil.make_archive(str(tmp_path / "changed"), "zip", folder)
    assert Folder(changed).fingerprint != Folder(first).fingerprint


def test_a_part_of_a_folder_is_always_the_same(tmp_path):
    folder = str(datasets.pictures(tmp_path / "faces", n=30))
    names = [[name for name, _ in Folder(folder, limit)._index["examples"]] for limit in (None, 10, 10, 20, 99)]
    assert [len(part) for part in names] == [30, 10, 10, 20, 30]
    assert names[1] == names[2] and set(names[1]) < set(names[3]) < set(names[0])
    fingerprints = [Folder(folder, limit).fingerprint for limit in (None, 10, 20, 99)]
    assert len(set(fingerprints)) == 3 and fingerprints[0] == fingerprints[3]


def test_dataset_json_overrides_the_layout(tmp_path):
    folder = datasets.pictures(tmp_path / "faces", n=3)
    (folder / "dataset.json").write_text(json.dumps({"target": ["identity"], "hidden": ["red"]}))
    source = Folder(str(folder))
    assert (source.target, source.hidden) == (("identity",), ("red",))
    (folder / "dataset.json").write_text("{")
    with pytest.raises(InputError, match=r"dataset\.json is not JSON"):
        _ = Folder(str(folder)).target


@pytest.mark.parametrize("name", ["celeba_wild64.zip", "utkface64.zip", "digits_writers.zip", "speech_commands10.zip"])
def test_real_data_sets_open(real_data, name):
    source = open_dataset(f"folder:{real_data(name)}")
    assert source.target and source.hidden
    assert set(source.target + source.hidden) <= set(source.columns)


@pytest.mark.parametrize("as_zip", [False, True])
@pytest.mark.parametrize(
    "name", ["../../secret.png", "../labels/../../secret.png", "a/../../../secret.png", "/etc/passwd"]
)
def test_a_row_reads_no_file_outside_of_the_data_set(tmp_path, name, as_zip):
    folder = datasets.pictures(tmp_path / "set" / "faces", n=3)
    shutil.copy(folder / "images" / "0000.png", tmp_path / "set" / "secret.png")
    lines = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join([*lines, ",".join([name, *lines[1].split(",")[1:]])]) + "\n")

    def check(records):
        (bad,) = [record for record in records if isinstance(record, BadRecord)]
        assert name in bad.name and len(records) == 4
        assert "outside of the data set" in bad.reason or (name.startswith("/") and "cannot be read" in bad.reason)

    with TestPipeline() as pipeline:
        assert_that(pipeline | Folder(str(datasets.zipped(folder) if as_zip else folder)).read(), check)
