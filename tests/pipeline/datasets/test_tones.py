import io
import wave

import numpy as np
import pytest
import scipy.signal
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from pipeline.datasets.tones import KEYWORDS, Tones


def samples(example):
    with wave.open(io.BytesIO(example.content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def pooled_spectrograms(examples, bands, times):
    """Log power averaged over bands of frequency and spans of time, float [n, bands * times]."""
    sounds = np.stack([samples(example) for example in examples]).astype(np.float32)
    _, _, power = scipy.signal.spectrogram(sounds, 16000, nperseg=512, noverlap=256)
    pooled = np.log(power[:, :240, :60] + 1e-3).reshape(-1, bands, 240 // bands, times, 60 // times).mean(axis=(2, 4))
    return pooled.reshape(len(examples), -1)


def linear_accuracy(x, labels):
    train, test = np.split(np.random.default_rng(0).permutation(len(x)), [len(x) * 4 // 5])
    x = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
    return LogisticRegression(C=0.1, max_iter=200).fit(x[train], labels[train]).score(x[test], labels[test])


@pytest.fixture(scope="module")
def examples():
    source = Tones(examples=1000)
    return [source.example(index) for index in range(source.examples)]


def test_an_example_depends_on_the_seed_its_index_and_the_number_of_speakers_alone():
    source = Tones(examples=10, speakers=4)
    forward = [source.example(index) for index in range(10)]
    backward = [Tones(examples=99, speakers=4).example(index) for index in reversed(range(10))]
    assert forward == backward[::-1]
    assert len({example.content for example in forward}) == 10
    assert Tones(seed=1, speakers=4).example(3) != forward[3]
    assert Tones(speakers=5).example(7).labels["speaker"] == "spk002"


def test_the_fingerprint_changes_with_every_parameter():
    sources = [Tones(), Tones(examples=5), Tones(speakers=5), Tones(seed=5)]
    assert len({source.fingerprint for source in sources}) == len(sources)


def test_the_beam_source_yields_every_example_with_its_columns():
    source = Tones(examples=12, speakers=5)

    def check(examples):
        examples = sorted(examples, key=lambda example: example.name)
        assert examples == [source.example(index) for index in range(12)]
        assert [example.labels["speaker"] for example in examples] == [f"spk{index % 5:03d}" for index in range(12)]
        assert all(tuple(example.labels) == source.columns for example in examples)
        assert source.columns == source.target + source.hidden

    with TestPipeline() as pipeline:
        assert_that(pipeline | source.read(), check)


@pytest.mark.parametrize("speakers", [3, 9, 10, 40])
def test_every_speaker_says_every_keyword_as_often(speakers, monkeypatch):
    source = Tones(speakers=speakers)
    monkeypatch.setattr("pipeline.datasets.tones._speak", lambda rng, word, who, recording: np.ones(16000))
    said = [tuple(source.example(index).labels.values()) for index in range(10 * speakers)]
    assert len(set(said)) == len(said)
    assert {keyword for keyword, _ in said} == set(KEYWORDS)


def test_recordings_last_a_second_and_are_neither_silent_nor_clipped(examples):
    for example in examples[::50]:
        sound = samples(example)
        assert sound.shape == (16000,)
        assert 5000 < np.abs(sound.astype(int)).max() < 32767


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_a_word_fits_into_its_recording(keyword, examples):
    """The word is louder than the noise, and neither end of a recording cuts it."""
    said = [samples(example).astype(float) for example in examples if example.labels["keyword"] == keyword]
    power = np.mean([(sound**2 / (sound**2).mean()).reshape(50, -1).mean(axis=1) for sound in said], axis=0)
    assert power[[0, -1]].max() < 0.5 * power.max()


@threadpool_limits.wrap(limits=1)  # threads only wait for each other on matrices this small
def test_a_linear_model_does_not_solve_the_keyword(examples):
    keywords = np.array([example.labels["keyword"] for example in examples])
    assert 0.3 < linear_accuracy(pooled_spectrograms(examples, 20, 10), keywords) < 0.85
    assert 0.15 < linear_accuracy(pooled_spectrograms(examples, 40, 1), keywords) < 0.6


@threadpool_limits.wrap(limits=1)
def test_a_linear_model_does_not_solve_the_speaker(examples):
    speakers = np.array([example.labels["speaker"] for example in examples])
    assert 2 / 40 < linear_accuracy(pooled_spectrograms(examples, 240, 1), speakers) < 0.5
