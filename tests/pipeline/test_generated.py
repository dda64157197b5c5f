"""The built-in data sets: repeatable, as they claim to be, and not solved by a linear model."""

import io

import numpy as np
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from components.records import RawExample
from datamix_tf.metrics import balanced_accuracy
from pipeline.datasets.avatars import Avatars
from pipeline.datasets.tones import Tones
from serving.edge.preprocess import ImagePreprocessing, SpeechPreprocessing

PROBED = 1200


@pytest.mark.parametrize(("short", "long"), [(Avatars(20), Avatars(500)), (Tones(20), Tones(500))])
def test_an_example_depends_on_seed_and_index_alone(short, long):
    for index in (7, 0, 19):
        assert short.example(index) == long.example(index)
    other = type(short)(20, seed=1)
    assert other.example(3).content != short.example(3).content
    assert len({short.fingerprint, long.fingerprint, other.fingerprint}) == 3


@pytest.mark.parametrize("source", [Avatars(40), Tones(40)])
def test_beam_generates_every_example_once(source):
    def check(records):
        assert all(isinstance(record, RawExample) for record in records)
        assert sorted(record.name for record in records) == [source.example(index).name for index in range(40)]
        assert all(set(record.labels) == set(source.columns) for record in records)
        assert len({record.content for record in records}) == 40

    with TestPipeline() as pipeline:
        assert_that(pipeline | source.read(), check)


def decoded(source, preprocessing):
    examples = [source.example(index) for index in range(source.examples)]
    x = np.stack([preprocessing(example.content) for example in examples])
    return x, {column: np.array([example.labels[column] for example in examples]) for column in source.columns}


@pytest.fixture(scope="module")
def avatars():
    return decoded(Avatars(PROBED, identities=24), ImagePreprocessing())


@pytest.fixture(scope="module")
def tones():
    return decoded(Tones(PROBED, speakers=24), SpeechPreprocessing())


def test_avatars_have_attributes_and_identities(avatars):
    x, labels = avatars
    assert x.shape == (PROBED, 64, 64, 3)
    assert len(Avatars.target) >= 12
    for column in Avatars.target:
        assert 0.1 < (labels[column] == "1").mean() < 0.75, column
    assert np.unique(labels["identity"], return_counts=True)[1].tolist() == [PROBED // 24] * 24


def test_tones_are_spread_over_keywords_and_speakers(tones):
    x, labels = tones
    assert x.shape == (PROBED, 64, 64, 1)
    assert len(np.unique(labels["keyword"])) == 10
    assert np.unique(labels["speaker"], return_counts=True)[1].tolist() == [PROBED // 24] * 24
    assert np.isfinite(x).all()


def linear(x, y):
    """Predictions of a linear model for the last quarter, trained on the rest, and the truth."""
    train = len(x) * 3 // 4
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=1000.0))
    return model.fit(x[:train], y[:train]).predict(x[train:]), y[train:]


def shuffled(x, labels):
    order = np.random.default_rng(0).permutation(len(x))
    return x[order], {column: values[order] for column, values in labels.items()}


def test_a_linear_model_does_not_solve_the_attributes(avatars):
    x, labels = shuffled(*avatars)
    pooled = x.reshape(len(x), 16, 4, 16, 4, 3).mean((2, 4)).reshape(len(x), -1)
    scores = [balanced_accuracy(*linear(pooled, labels[column] == "1")[::-1]) for column in Avatars.target]
    assert 0.55 < np.mean(scores) < 0.85
    guesses, truth = linear(pooled, labels["identity"])
    assert (guesses == truth).mean() < 0.6


def test_a_linear_model_does_not_solve_the_keywords(tones):
    x, labels = shuffled(*tones)
    pooled = x.reshape(len(x), 16, 4, 16, 4).mean((2, 4)).reshape(len(x), -1)
    guesses, truth = linear(pooled, labels["keyword"])
    # 300 examples of 10 words: chance is 0.1, with a standard error of 0.02.
    assert 0.1 + 5 * 0.02 < (guesses == truth).mean() < 0.9


def test_tones_are_recordings_of_a_second():
    import wave

    with wave.open(io.BytesIO(Tones(1).example(0).content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (
            16000,
            1,
            2,
            16000,
        )
