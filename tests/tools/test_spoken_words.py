"""The command that makes the demo's model of spoken words anew."""

import io
import os
import pathlib
import shutil
import wave

import numpy as np
import pytest

from components.errors import InputError
from components.records.serialising import read
from pipeline.datasets.archive import Files
from pipeline.demo import shipped
from tests import datasets
from tools import spoken_words

needs_espeak = pytest.mark.skipif(
    not shutil.which("espeak-ng"), reason="there is no espeak-ng here (Debian: apt-get install espeak-ng)"
)


def test_one_person_in_five_is_kept_out():
    shares = [spoken_words.held_out(f"{number:08x}") for number in range(2000)]
    assert abs(np.mean(shares) - 0.2) < 4 * (0.2 * 0.8 / 2000) ** 0.5
    assert spoken_words.speaker_of("yes/022cd682_nohash_0.wav") == "022cd682"


def test_recordings_are_read_and_written(tmp_path):
    names = [f"{word}/{speaker}_nohash_0.wav" for word in spoken_words.WORDS for speaker in ("ab", "cd")]
    recordings = {name: datasets.recording(500.0, np.random.default_rng(1)) for name in [*names, "cat/ab_nohash_0.wav"]}
    for name in ("first", "second"):
        spoken_words.write_zip(recordings, tmp_path / f"{name}.zip")
    first = tmp_path / "first.zip"
    assert first.read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert list(spoken_words.recordings_of(Files(str(first)))) == sorted(names)
    assert spoken_words.median_peak(recordings) == pytest.approx(8000 * 1.25 / 32768, rel=0.2)
    del recordings["yes/ab_nohash_0.wav"], recordings["yes/cd_nohash_0.wav"]
    spoken_words.write_zip(recordings, first)
    with pytest.raises(InputError, match="found none of yes"):
        spoken_words.recordings_of(Files(str(first)))
    assert spoken_words.main([str(tmp_path / "none.zip")]) == 2


@pytest.mark.skipif(
    not shutil.which("espeak-ng"), reason="there is no espeak-ng here (Debian: apt-get install espeak-ng)"
)
def test_the_samples_in_the_package_are_what_espeak_ng_says(tmp_path):
    spoken_words.write_samples(tmp_path / "samples")
    kept = shipped.samples()
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == sorted(kept)
    for name, content in kept.items():
        with wave.open(io.BytesIO(content)) as file:
            assert (file.getframerate(), file.getnframes(), file.getsampwidth(), file.getnchannels()) == (
                16000,
                16000,
                2,
                1,
            )
        spoken = (tmp_path / "samples" / name).read_bytes()
        same = np.corrcoef(*(np.frombuffer(part[44:], "<i2").astype(float) for part in (content, spoken)))[0, 1]
        assert same > 0.5, name  # other versions speak a little otherwise


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.skipif(
    not shutil.which("espeak-ng"), reason="there is no espeak-ng here (Debian: apt-get install espeak-ng)"
)
def test_the_model_is_made_anew(real_data, tmp_path, monkeypatch):
    recordings = os.path.abspath(real_data("speech_commands10.zip"))
    monkeypatch.chdir(tmp_path)
    assert spoken_words.main([recordings, "--folder", "made"]) == 0
    known, made = (read(os.path.join(place, shipped.MEASURED), shipped.Measured) for place in (shipped.FOLDER, "made"))
    assert (made.clips, made.speakers, made.level) == (known.clips, known.speakers, known.level)
    assert made.interval[0] < known.interval[1] and known.interval[0] < made.interval[1]
    files = [path for path in pathlib.Path("made").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files if path.parent.name != shipped.SAMPLES) <= 3_000_000
    assert sorted(str(path.relative_to("made")) for path in files) == sorted(
        str(path.relative_to(shipped.FOLDER)) for path in pathlib.Path(shipped.FOLDER).rglob("*") if path.is_file()
    )
