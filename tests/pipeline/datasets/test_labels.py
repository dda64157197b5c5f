"""Tables of labels and layouts as people have them."""

import json
import shutil

import pytest

from components.errors import InputError
from components.example_gen import _as_binary, _natural
from components.storage.bad_records import check_share
from components.storage.records import as_binary
from pipeline.datasets import open_dataset
from tests import datasets
from tests.components.ingest import ingest
from tests.pipeline.datasets.layouts import read


@pytest.fixture
def faces(tmp_path):
    return datasets.pictures(tmp_path / "faces", n=12)


def rewritten(folder, change, name="labels.csv", code="utf-8"):
    """Rewrites labels.csv; `change` gets its rows of cells, the header first, and returns text."""
    rows = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()]
    (folder / "labels.csv").unlink()
    (folder / name).write_bytes(change(rows).encode(code))


def joined(separator):
    return lambda rows: "\n".join(separator.join(row) for row in rows) + "\n"


def renamed(header):
    return lambda rows: joined(",")([header, *rows[1:]])


WRITTEN = {
    "semicolons": (joined(";"), {}),
    "tabs": (joined("\t"), {}),
    "tabs, as labels.tsv": (joined("\t"), {"name": "labels.tsv"}),
    "bars": (joined("|"), {}),
    "Excel's line": (lambda rows: "sep=;\r\n" + joined(";")(rows), {}),
    "Excel's UTF-16": (joined("\t"), {"code": "utf-16"}),
    "UTF-8 with its mark": (joined(","), {"code": "utf-8-sig"}),
    "another name": (joined(","), {"name": "faces.csv"}),
    "labels.txt": (joined(";"), {"name": "labels.txt"}),
    "quoted": (lambda rows: "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows), {}),
    "pandas' count": (lambda rows: "\n".join(f"{n or ''},{','.join(row)}" for n, row in enumerate(rows)), {}),
    "the file last": (lambda rows: joined(",")([[*row[1:], row[0]] for row in rows]), {}),
    "an empty column": (lambda rows: joined(";")([[*row, ""] for row in rows]), {}),
    "empty lines": (lambda rows: joined(",")(rows) + "\n,,,\n\n", {}),
    **{
        name: (renamed([name, "identity", "red", "bright"]), {})
        for name in ("filename", "image_id", "Image", "path", "File Name", "image_path", "img")
    },
}


@pytest.mark.parametrize(("change", "where"), WRITTEN.values(), ids=WRITTEN)
def test_tables_of_many_programs(faces, change, where):
    expected = {name: record.labels for name, record in read(faces)[1].items()}
    rewritten(faces, change, **where)
    source, good, bad = read(faces)
    assert bad == {} and source.columns == ("identity", "red", "bright")
    assert {name: record.labels for name, record in good.items()} == expected


def test_celebas_own_list_and_folders(tmp_path, faces):
    """The list as CelebA's authors publish it, and their folders."""
    rewritten(
        faces,
        lambda rows: (
            f"{len(rows) - 1}\n{'  '.join(rows[0][2:])} \n"
            + "".join(
                f"{row[0]} " + " ".join(f"{'1' if cell == '1' else '-1':>2}" for cell in row[2:]) + "\n"
                for row in rows[1:]
            )
        ),
        name="list_attr_celeba.txt",
    )
    celeba = tmp_path / "celeba"
    (celeba / "Img").mkdir(parents=True)
    (celeba / "Anno").mkdir()
    shutil.move(faces / "images", celeba / "Img" / "img_align_celeba")
    shutil.move(faces / "list_attr_celeba.txt", celeba / "Anno")
    source, good, bad = read(celeba)
    assert (source.target, source.hidden, len(good), bad) == (("red", "bright"), (), 12, {})
    assert {label for record in good.values() for label in record.labels.values()} == {"1", "-1"}


def test_kaggles_celeba(tmp_path, faces):
    rewritten(
        faces,
        lambda rows: joined(",")(
            [["image_id", *rows[0][2:]], *([row[0], *(c.replace("0", "-1") for c in row[2:])] for row in rows[1:])]
        ),
        name="list_attr_celeba.csv",
    )
    (faces / "dataset.json").unlink()
    (faces / "list_eval_partition.csv").write_text("image_id,partition\n0000.png,0\n")
    shutil.move(faces / "images", faces / "img_align_celeba")
    (faces / "outer").mkdir()
    shutil.move(faces / "img_align_celeba", faces / "outer")
    shutil.move(faces / "outer", faces / "img_align_celeba")
    source, good, bad = read(faces)
    assert (source.target, len(good), bad) == (("red", "bright"), 12, {})


@pytest.mark.parametrize(
    "pair", [("-1", "1"), ("no", "yes"), ("False", "True"), ("0.0", "1.0"), ("N", "Y"), ("f", "t")]
)
def test_binary_labels_as_people_write_them(pair):
    assert [as_binary(value) for value in pair] == ["0", "1"]
    assert as_binary("2") is None and as_binary("") is None and as_binary("maybe") is None


def spelled(folder, column, values):
    def change(rows):
        index = rows[0].index(column)
        return joined(",")([rows[0], *([*row[:index], values[int(row[index])], *row[index + 1 :]] for row in rows[1:])])

    rewritten(folder, change)


def test_binary_labels_arrive_as_0_and_1(tmp_path):
    folder = datasets.pictures(tmp_path / "faces", n=60)
    rows = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()[1:]]
    spelled(folder, "red", ("-1", "1"))
    spelled(folder, "bright", ("False", "True"))
    found = ingest(folder, tmp_path).schema()
    for index, column in ((2, "red"), (3, "bright")):
        ones = sum(row[index] == "1" for row in rows)
        assert found.label_counts[column] == {"0": 60 - ones, "1": ones} and found.classes[column] == ("0", "1")
    assert found.conflicting == 0


def test_two_ways_to_say_no_are_refused():
    counted = [["train", "red", "-1", 3], ["train", "red", "1", 2], ["test", "red", "0", 1], ["test", "who", "0", 1]]
    with pytest.raises(InputError, match=r"target 'red' has the values -1, 0, 1; expected two"):
        _as_binary(counted, ("red",))
    assert _as_binary(counted[:2], ("red",)) == [["train", "red", "0", 3], ["train", "red", "1", 2]]


def test_classes_in_their_order():
    found = ["10", "9", "-1", "²", "--5", "٣", "a"]
    assert sorted(found, key=_natural) == ["-1", "9", "10", "--5", "a", "²", "٣"]


def test_contents_and_rows_in_conflict_are_counted(tmp_path, capsys):
    folder = datasets.pictures(tmp_path / "faces", n=60)
    lines = (folder / "labels.csv").read_text().splitlines()
    flipped = {line.split(",")[0]: line[:-1] + "10"[int(line[-1])] for line in lines[1:]}
    again = [flipped["0003.png"].replace("0003", "copy3"), lines[6].replace("0005", "copy5")]
    for number in (3, 5):
        shutil.copy(folder / "images" / f"000{number}.png", folder / "images" / f"copy{number}.png")
    (folder / "labels.csv").write_text("\n".join([*lines, *again, flipped["0007.png"], lines[10]]) + "\n")
    raw = ingest(folder, tmp_path)
    assert raw.schema().conflicting == 1  # picture 3; picture 5 is the same with the same labels
    assert "1 image content(s) occur several times with different red, bright" in capsys.readouterr().err
    (bad,) = raw.read_json("bad_records.json")
    assert bad == {"name": "images/0007.png", "reason": "line 64 has other labels than line 9: mend one"}


def test_a_folder_for_each_class(tmp_path, faces):
    for index, path in enumerate(sorted((faces / "images").iterdir())):
        target = tmp_path / "pets" / ("test" if index < 4 else "train") / ("cat", "dog")[index % 2] / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (tmp_path / "pets" / "train" / "cat" / "b.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    source, good, bad = read(tmp_path / "pets")
    assert (source.kind, source.columns, source.target, source.hidden) == ("image", ("class",), ("class",), ())
    assert len(good) == 13 and bad == {}
    assert good["train/dog/0005.png"].labels == {"class": "dog"} and good["train/dog/0005.png"].split == "train"
    assert good["test/cat/0002.png"].split == "test"
    source, good, _ = read(datasets.zipped(tmp_path / "pets" / "train"))
    assert {record.labels["class"] for record in good.values()} == {"cat", "dog"}
    assert {record.split for record in good.values()} == {None}


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda folder: (folder / "dataset.json").unlink(), r"identity, red, bright.*name it with --target COLUMN"),
        (
            lambda folder: (folder / "dataset.json").write_text('{"targets": ["red"]}'),
            "unknown key 'targets'; expected kind",
        ),
        (lambda folder: rewritten(folder, lambda rows: joined(",")([row[:1] for row in rows])), "has no label columns"),
        (lambda folder: rewritten(folder, joined(","), code="utf-16-le"), "save it as UTF-8"),
        (lambda folder: (folder / "labels.csv").unlink(), "nor a folder of pictures for each class"),
        (lambda folder: rewritten(folder, renamed(["who", "a", "b", "c"])), "must be 'file' .or filename"),
        (lambda folder: rewritten(folder, renamed(["file", "red", "red", "c"])), "each once"),
    ],
)
def test_what_cannot_be_read_names_the_mend(faces, spoil, text):
    spoil(faces)
    with pytest.raises(InputError, match=text):
        _ = open_dataset(f"folder:{faces}").target


def test_a_target_that_is_named_needs_no_description(faces):
    (faces / "dataset.json").unlink()
    source = open_dataset(f"folder:{faces}")
    assert source.columns == ("identity", "red", "bright") and source.hidden == ()
    rewritten(faces, lambda rows: joined(",")([row[:2] for row in rows]))
    assert open_dataset(f"folder:{faces}").target == ("identity",)
    (faces / "dataset.json").write_text(json.dumps({"license": "CC0", "hidden": []}))
    assert open_dataset(f"folder:{faces}").target == ("identity",)


def test_recordings_with_a_table(tmp_path):
    words = datasets.recordings(tmp_path / "words", n=6)
    rows = [f"{path.relative_to(words)},{index % 2}" for index, path in enumerate(sorted(words.rglob("*.wav")))]
    (words / "labels.csv").write_text("\n".join(["file,loud", *rows]))
    source, good, bad = read(words)
    assert (source.kind, source.columns, len(good), bad) == ("audio", ("loud",), 6, {})


def test_one_reason_is_told_once():
    bad = [{"name": f"{index}.png", "reason": "it is green"} for index in range(9)]
    with pytest.raises(InputError) as raised:
        check_share(bad, 0, 0.05)
    assert str(raised.value).count("it is green") == 1 and "0.png and 8 more" in str(raised.value)
    assert "--max_bad_share" not in str(raised.value)  # nothing would be left
    bad.append({"name": "last.png", "reason": "it is red"})
    with pytest.raises(InputError, match=r"0\.png \(and 8 more\): it is green; last\.png: it is red\. Mend"):
        check_share(bad, 10, 0.05)
