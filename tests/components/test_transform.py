"""Transform: what is kept, what is skipped and told."""

import io

import numpy as np
import pytest
from PIL import Image

from components.errors import InputError
from components.training.data import arrays
from serving.edge.preprocess import SpeechPreprocessing
from tests import datasets
from tests.components.ingest import ingest, splits_by_name, transform


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
