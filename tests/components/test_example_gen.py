"""ExampleGen: labels, and how examples are split."""

import os

import numpy as np
import pytest
from PIL import Image

from components.errors import InputError
from components.example_gen import ExampleGen
from components.storage import files
from components.storage.artifacts import RawExamples, write_json
from components.training.data import arrays
from pipeline.datasets.folder import Folder
from tests import datasets
from tests.components.ingest import ingest, splits_by_name, transform


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


def test_the_schema_does_not_tell_in_which_order_a_runner_counts(tmp_path):
    """Not its bytes either: they are part of the key under which trainings are kept."""
    source = Folder(str(datasets.pictures(tmp_path / "faces", n=4)))
    component = ExampleGen(
        source=source,
        target=source.target,
        hidden=source.hidden,
        valid_share=0.2,
        test_share=0.2,
        official_split=False,
        max_bad_share=0.0,
    )
    labels = [(column, value) for column in source.target for value in "01"]
    labels += [(column, value) for column in source.hidden for value in ("3", "03", "10", "x")]
    counts = [[split, *label, 2] for split in ("train", "valid", "test") for label in (*labels, (None, None))]
    written = []
    for order in (counts, counts[::-1], counts[7:] + counts[:7]):
        artifact = RawExamples(str(tmp_path / f"order{len(written)}"))
        os.mkdir(artifact.uri)
        for name, content in (("counts", order), ("conflicts", 0), ("bad_records", [])):
            write_json(artifact.path(f"{name}.json"), content)
        component._write_schema(source, artifact)
        written.append(files.read_bytes(artifact.path("schema.json")))
    assert written == written[:1] * 3 and b"bright" in written[0]


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


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"target": ("nose",)}, "no label column 'nose'; it has identity, red, bright"),
        ({"target": ("red", "identity")}, "target 'identity' is '2', but several targets must each be 0 or 1"),
        ({"target": ()}, "names no target"),
        ({"official_split": True}, "no official lists of train and test examples; leave out --split official"),
        ({"valid_share": 1e-9}, "valid has none of 160"),
    ],
)
def test_impossible_settings_are_explained(tmp_path, changes, text):
    with pytest.raises(InputError, match=text):
        ingest(datasets.pictures(tmp_path / "faces"), tmp_path, **changes)


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
