"""ExampleGen and Transform: what is kept, what is skipped and told, how it is split."""

import io
import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from components.errors import InputError
from components.example_gen import ExampleGen
from components.storage.artifacts import Examples
from components.training.data import arrays, batches, steps
from components.transform import Transform
from pipeline.datasets.folder import Folder
from serving.edge.preprocess import ImagePreprocessing, SpeechPreprocessing
from tests import datasets


def ingest(path, folder, **changes):
    source = Folder(str(path))
    parameters = {
        "source": source,
        "target": source.target,
        "hidden": source.hidden,
        "valid_share": 0.2,
        "test_share": 0.2,
        "official_split": False,
        "max_bad_share": 0.05,
    }
    return ExampleGen(**{**parameters, **changes}).run({}, str(folder / "example_gen"))["examples"]


def transform(raw, folder, preprocessing=None, max_bad_share=0.05):
    component = Transform(preprocessing=preprocessing or ImagePreprocessing(32, 32), max_bad_share=max_bad_share)
    return component.run({"examples": raw}, str(folder / "transform"))["examples"]


def splits_by_name(examples: Examples):
    return {name: split for split in ("train", "valid", "test") for name in arrays(examples, split)[0]}


def test_every_example_arrives_once_with_its_labels(tmp_path):
    folder = datasets.pictures(tmp_path / "faces")
    examples = transform(ingest(folder, tmp_path), tmp_path)
    schema = examples.read_json("schema.json")
    assert sum(schema["splits"].values()) == 160
    assert (schema["task"], schema["classes"]["identity"]) == ("binary", list("0123"))
    labels = dict(line.split(",", 1) for line in (folder / "labels.csv").read_text().split()[1:])
    for split in ("train", "valid", "test"):
        names, x, y = arrays(examples, split)
        _, _, identity = arrays(examples, split, "identity")
        for name, pixels, (red, bright), who in zip(names, x, y, identity, strict=True):
            assert labels.pop(name.removeprefix("images/")) == f"{who},{red},{bright}"
            np.testing.assert_array_equal(pixels, np.asarray(Image.open(folder / name)))
    assert not labels


def test_splits_depend_on_the_content_alone(tmp_path):
    few = datasets.pictures(tmp_path / "few", n=60)
    first = splits_by_name(transform(ingest(few, tmp_path / "a"), tmp_path / "a"))
    # The same pictures among others, in another order, and one of them again under another name.
    lines = (few / "labels.csv").read_text().split()
    again = lines[1].replace("0000.png", "copy.png")
    (few / "labels.csv").write_text("\n".join([lines[0], again, *reversed(lines[1:])]))
    (few / "images" / "copy.png").write_bytes((few / "images" / "0000.png").read_bytes())
    second = splits_by_name(transform(ingest(few, tmp_path / "b"), tmp_path / "b"))
    assert second.pop("images/copy.png") == first["images/0000.png"]
    assert second == first


def test_written_files_do_not_depend_on_the_run(tmp_path):
    folder = datasets.pictures(tmp_path / "faces", n=60)
    written = [
        {file.name: file.read_bytes() for file in sorted((tmp_path / run / "transform" / "examples").glob("*"))}
        for run in "ab"
        if transform(ingest(folder, tmp_path / run), tmp_path / run)
    ]
    assert written[0] == written[1]


def test_statistics_are_those_of_the_train_split(tmp_path):
    examples = transform(ingest(datasets.pictures(tmp_path / "faces"), tmp_path), tmp_path)
    schema, (_, x, _) = examples.read_json("schema.json"), arrays(examples, "train")
    np.testing.assert_allclose(schema["mean"], x.reshape(-1, 3).mean(0, dtype=float), rtol=1e-6)
    np.testing.assert_allclose(schema["variance"], x.reshape(-1, 3).var(0, dtype=float), rtol=1e-6)


def spoil(folder):
    """Makes three bad records of 160: truncated, unlabelled, not finite."""
    path = folder / "images" / "0003.png"
    path.write_bytes(path.read_bytes()[:200])
    text = (folder / "labels.csv").read_text().split()
    text[6] = text[6].rsplit(",", 1)[0] + ","
    (folder / "labels.csv").write_text("\n".join(text))
    pixels = np.zeros((32, 32), np.float32)
    pixels[3, 4] = np.nan
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "TIFF")
    (folder / "images" / "0007.png").write_bytes(buffer.getvalue())


def test_bad_records_are_listed_and_skipped(tmp_path):
    folder = datasets.pictures(tmp_path / "faces")
    spoil(folder)
    examples = transform(ingest(folder, tmp_path), tmp_path)
    bad = {record["name"]: record["reason"] for record in examples.read_json("bad_records.json")}
    assert sorted(bad) == ["images/0003.png", "images/0005.png", "images/0007.png"]
    assert "not a readable picture" in bad["images/0003.png"]
    assert "label bright is missing" in bad["images/0005.png"]
    assert "not finite" in bad["images/0007.png"]
    assert len(splits_by_name(examples)) == 157


def test_too_many_bad_records_stop_the_run_and_leave_nothing(tmp_path):
    folder = datasets.pictures(tmp_path / "faces")
    spoil(folder)
    raw = ingest(folder, tmp_path)
    with pytest.raises(
        InputError, match=r"at most 1% bad records, but 3 of 160 \(1.9%\) are bad, for example images/0003"
    ):
        transform(raw, tmp_path, max_bad_share=0.01)
    assert list((tmp_path / "transform").iterdir()) == []


def test_recordings_of_another_rate_or_cut_off_are_bad(tmp_path):
    folder = datasets.recordings(tmp_path / "words", n=90)
    rng = np.random.default_rng(0)
    (folder / "low" / "speaker0_nohash_0.wav").write_bytes(datasets.recording(300, rng, rate=8000))
    whole = datasets.recording(300, rng)
    (folder / "low" / "speaker2_nohash_2.wav").write_bytes(whole[: len(whole) // 2])
    (folder / "low" / "noise.wav").write_bytes(whole)
    examples = transform(ingest(folder, tmp_path), tmp_path, SpeechPreprocessing())
    bad = {record["name"]: record["reason"] for record in examples.read_json("bad_records.json")}
    assert "expected 16000 Hz" in bad["low/speaker0_nohash_0.wav"]
    assert "cut off" in bad["low/speaker2_nohash_2.wav"]
    assert "label speaker is missing" in bad["low/noise.wav"]
    schema = examples.read_json("schema.json")
    assert schema["task"] == "categorical" and schema["classes"]["keyword"] == ["high", "low"]
    assert arrays(examples, "train")[1].shape[1:] == (64, 64, 1) == tuple(schema["shape"])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"target": ("nose",)}, "no label column 'nose'; it has identity, red, bright"),
        ({"target": ("red", "identity")}, "target 'identity' is '2', but several targets must each be 0 or 1"),
        ({"target": ()}, "names no target"),
        ({"valid_share": 1e-9}, "valid has none of 160"),
    ],
)
def test_impossible_settings_are_explained(tmp_path, changes, text):
    with pytest.raises(InputError, match=text):
        ingest(datasets.pictures(tmp_path / "faces"), tmp_path, **changes)


def test_components_check_their_parameters_and_inputs(tmp_path):
    with pytest.raises(TypeError, match="Missing: \\['preprocessing'\\]"):
        Transform(max_bad_share=0.1)
    with pytest.raises(TypeError, match="max_bad_share must be"):
        Transform(preprocessing=None, max_bad_share="much")
    with pytest.raises(TypeError, match="input examples must be RawExamples"):
        Transform(preprocessing=None, max_bad_share=0.1).run({"examples": Examples("x")}, str(tmp_path))


def test_training_batches_are_whole_and_repeatable(tmp_path):
    examples = transform(ingest(datasets.pictures(tmp_path / "faces"), tmp_path), tmp_path)
    an_epoch = steps(examples.schema(), "train", 16)
    assert an_epoch == examples.schema().splits["train"] // 16

    def drawn(count, **changes):
        settings = {"seed": 3, "augment": ("flip", "shift", "mask"), "mixup": 2, **changes}
        return list(batches(examples, "train", 16, **settings).take(count).as_numpy_iterator())

    first = drawn(3 * an_epoch)
    # Again from the start, and from the third epoch on.
    for (x, y), (again, labels) in zip(
        first + first[2 * an_epoch :], [*drawn(3 * an_epoch), *drawn(an_epoch, first_epoch=2)], strict=True
    ):
        assert x.shape == (16, 32, 32, 3) and x.dtype == np.float32
        np.testing.assert_array_equal(x, again)
        np.testing.assert_array_equal(y, labels)
    assert any((first[0][0] != x).any() for x, _ in drawn(1, seed=4))


def test_an_epoch_holds_every_example_once_in_an_order_of_its_own(tmp_path):
    examples = transform(ingest(datasets.pictures(tmp_path / "faces"), tmp_path), tmp_path)
    count = examples.schema().splits["train"]
    rows = [x.tobytes() for x, _ in batches(examples, "train", 1, seed=0).take(2 * count).as_numpy_iterator()]
    assert sorted(rows[:count]) == sorted(rows[count:]) and rows[:count] != rows[count:]
    assert len(set(rows[:count])) == len({x.tobytes() for x in arrays(examples, "train")[1].astype("float32")})


def test_arrays_do_not_put_one_class_side_by_side(tmp_path):
    folder = datasets.recordings(tmp_path / "words", n=90)
    _, _, keywords = arrays(transform(ingest(folder, tmp_path), tmp_path, SpeechPreprocessing()), "train")
    changes = int((np.diff(keywords) != 0).sum())
    # In random order half of the neighbours differ: about 25 of 50, with a standard deviation of 3.5. Sorted: 1.
    assert changes > len(keywords) / 2 - 4 * 3.5


def test_a_split_in_which_the_target_never_changes_is_refused(tmp_path):
    """Balanced accuracy and AUC would have no meaning there."""
    folder = datasets.pictures(tmp_path / "faces", n=60)
    lines = (folder / "labels.csv").read_text().splitlines()
    lines[1:] = [
        ",".join([*line.split(",")[:2], "1" if index else "0", line.split(",")[3]])
        for index, line in enumerate(lines[1:])
    ]
    (folder / "labels.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match="expected two values of red in every split, but all"):
        ingest(folder, tmp_path, target=("red",))


def test_runs_that_are_merged_give_the_files_of_one_run(tmp_path, monkeypatch):
    folder = datasets.pictures(tmp_path / "faces", n=60)
    written = {}
    for size in (2**25, 2**13):
        monkeypatch.setattr("components.storage.tfrecords.RUN_BYTES", size)
        examples = transform(ingest(folder, tmp_path / str(size)), tmp_path / str(size))
        written[size] = {
            name: pathlib.Path(examples.path(name)).read_bytes() for name in sorted(os.listdir(examples.uri))
        }
        assert not [name for name in written[size] if name.startswith(".")]
    assert written[2**25] == written[2**13] and len(written[2**25]) > 10
