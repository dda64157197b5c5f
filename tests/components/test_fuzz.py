"""A thousand damaged pictures, recordings, rows and archives: none stops a worker, every one is counted and named."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

from components.errors import InputError
from components.storage.records import BadRecord, RawExample
from pipeline.datasets.folder import Folder, _ReadFile
from serving.edge.preprocess import ImagePreprocessing, SpeechPreprocessing
from tests import datasets
from tests.components.ingest import ingest, splits_by_name, transform

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "TGA")
WHOLE = 60


def all_told(folder, working, preprocessing):
    """Ingests and decodes a folder; returns good names, bad name -> reason, and how many were counted."""
    raw = ingest(folder, working, max_bad_share=1.0)
    examples = transform(raw, working, preprocessing, max_bad_share=1.0)
    bad = examples.read_json("bad_records.json")
    assert all(record["reason"] for record in bad)
    counted = sum(examples.read_json("schema.json")["splits"].values()) + len(bad)
    return splits_by_name(examples), {record["name"]: record["reason"] for record in bad}, counted


def test_pictures(tmp_path):
    rng = np.random.default_rng(0)
    folder = datasets.pictures(tmp_path / "faces", n=400)
    for index in range(WHOLE, 400):
        path = folder / "images" / f"{index:04d}.png"
        buffer = io.BytesIO()
        Image.open(path).save(buffer, FORMATS[index % len(FORMATS)])
        path.write_bytes(datasets.corrupted(buffer.getvalue(), rng))
    good, bad, counted = all_told(folder, tmp_path, ImagePreprocessing(16, 16))
    assert counted == 400 and sorted([*good, *bad]) == [f"images/{index:04d}.png" for index in range(400)]
    assert all(f"images/{index:04d}.png" in good for index in range(WHOLE))
    assert len(bad) > 100 and all(reason.startswith(("not a readable", "the picture")) for reason in bad.values())


def test_recordings(tmp_path):
    rng = np.random.default_rng(1)
    folder = datasets.recordings(tmp_path / "words", n=260)
    files = sorted(folder.rglob("*.wav"), key=lambda path: int(path.stem.rpartition("_")[2]))
    for path in files[WHOLE:]:
        content = path.read_bytes()
        # Most of a recording are samples, which may be anything: the accidents happen to the header.
        path.write_bytes(datasets.corrupted(content[:64], rng) + content[64:])
    good, bad, counted = all_told(folder, tmp_path, SpeechPreprocessing())
    assert counted == 260 and sorted([*good, *bad]) == sorted(str(path.relative_to(folder)) for path in files)
    assert all(str(path.relative_to(folder)) in good for path in files[:WHOLE]) and len(bad) > 50


def test_rows(tmp_path):
    rng = np.random.default_rng(2)
    folder = datasets.pictures(tmp_path / "faces", n=360)
    header, *rows = (folder / "labels.csv").read_bytes().splitlines()
    damaged = rows[:WHOLE] + [
        datasets.corrupted(row, rng).replace(b"\n", b" ").replace(b"\r", b"") for row in rows[WHOLE:]
    ]
    (folder / "labels.csv").write_bytes(b"\n".join([header, *damaged]) + b"\n")
    good, bad, counted = all_told(folder, tmp_path, ImagePreprocessing(16, 16))
    assert counted == sum(bool(row.strip()) for row in damaged) and len(bad) > 100
    assert {f"images/{index:04d}.png" for index in range(WHOLE)} <= set(good)


def test_archives(tmp_path):
    rng = np.random.default_rng(3)
    folder = datasets.pictures(tmp_path / "faces", n=8)
    whole = datasets.zipped(folder).read_bytes()
    listed = sorted(f"images/{index:04d}.png" for index in range(8))
    refused = told = 0
    for number in range(260):
        path = tmp_path / f"damaged{number}.zip"
        path.write_bytes(datasets.corrupted(whole, rng))
        try:
            source = Folder(str(path))
            examples, reader = source._index["examples"], _ReadFile(str(path))
            reader.setup()
            records = [record for example in examples for record in reader.process(example)]
        except InputError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            assert sorted(record.name for record in records) == listed or any(
                isinstance(record, BadRecord) for record in records
            )
            assert all(isinstance(record, (RawExample, BadRecord)) for record in records)
            told += any(isinstance(record, BadRecord) for record in records)
    assert refused > 50 and told > 20


@pytest.mark.parametrize(
    "described, text",
    [
        (b"[]", "must be an object"),
        (b'{"kind": "video"}', "'kind' is image or audio"),
        (b'{"target": "red"}', "must be a list of columns"),
        (b"\xff", "dataset.json cannot be read"),
        (b"{", "is not JSON"),
    ],
)
def test_a_strange_description_is_explained(tmp_path, described, text):
    folder = datasets.pictures(tmp_path / "faces", n=2)
    (folder / "dataset.json").write_bytes(described)
    with pytest.raises(InputError, match=text):
        _ = Folder(str(folder)).columns


def test_a_quotation_mark_takes_no_other_row_with_it(tmp_path):
    folder = datasets.pictures(tmp_path / "faces", n=40)
    rows = list(csv.reader(io.StringIO((folder / "labels.csv").read_text())))
    lines = [",".join(row) for row in rows]
    lines[5] = lines[5].replace(",", ',"', 1)
    lines[7] += ",1"
    lines[9] = lines[9][:-1] + "x"
    (folder / "labels.csv").write_text("\n".join(lines))
    good, bad, counted = all_told(folder, tmp_path, ImagePreprocessing(16, 16))
    assert (
        counted == 40
        and len(good) == 37
        and set(bad) == {"labels.csv, line 6", "labels.csv, line 8", "images/0008.png"}
    )
    assert "5 cells, but there are 4 columns" in bad["labels.csv, line 8"] and "'x'" in bad["images/0008.png"]
