import io

import numpy as np
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from threadpoolctl import threadpool_limits

from pipeline.datasets import avatars
from pipeline.datasets.avatars import Avatars


def pixels(example):
    return np.asarray(Image.open(io.BytesIO(example.content)))


@pytest.fixture(scope="module")
def examples():
    source = Avatars(examples=1000)
    return [source.example(index) for index in range(source.examples)]


def test_an_example_depends_on_the_seed_its_index_and_the_number_of_identities_alone():
    source = Avatars(examples=10, identities=4)
    forward = [source.example(index) for index in range(10)]
    backward = [Avatars(examples=99, identities=4).example(index) for index in reversed(range(10))]
    assert forward == backward[::-1]
    assert len({example.content for example in forward}) == 10
    assert Avatars(seed=1, identities=4).example(3) != forward[3]
    assert Avatars(identities=5).example(7).labels["identity"] == "2"


def test_the_fingerprint_changes_with_every_parameter():
    sources = [Avatars(), Avatars(examples=5), Avatars(identities=5), Avatars(seed=5)]
    assert len({source.fingerprint for source in sources}) == len(sources)


def test_the_beam_source_yields_every_example_with_its_columns():
    source = Avatars(examples=12, identities=5)

    def check(examples):
        examples = sorted(examples, key=lambda example: example.name)
        assert examples == [source.example(index) for index in range(12)]
        assert [example.labels["identity"] for example in examples] == [str(index % 5) for index in range(12)]
        assert all(tuple(example.labels) == source.columns for example in examples)
        assert source.columns == source.target + source.hidden

    with TestPipeline() as pipeline:
        assert_that(pipeline | source.read(), check)


def test_pictures_are_64x64_rgb_with_contrast(examples):
    for example in examples[::50]:
        image = Image.open(io.BytesIO(example.content))
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (64, 64))
        assert np.asarray(image).std() > 10


def test_attributes_are_neither_rare_nor_constant(examples):
    target = Avatars.target
    assert len(target) >= 12
    values = [[example.labels[name] for name in target] for example in examples]
    assert {value for row in values for value in row} == {"0", "1"}
    rates = np.mean(np.array(values, int), axis=0)
    assert rates.min() > 0.15 and rates.max() < 0.6, dict(zip(target, rates, strict=True))


@pytest.mark.parametrize("attribute", Avatars.target)
def test_an_attribute_changes_the_picture(attribute, monkeypatch):
    """The same picture drawn with and without the attribute, everything else drawn alike."""
    look = dict.fromkeys(Avatars.target, False)
    drawn = []
    for value in (False, True):
        monkeypatch.setattr(avatars, "_look", lambda rng, inclined, value=value: look | {attribute: value})
        drawn.append(pixels(Avatars().example(8)).astype(int))
    assert (np.abs(drawn[0] - drawn[1]).max(axis=2) > 40).sum() >= 10


@threadpool_limits.wrap(limits=1)  # threads only wait for each other on matrices this small
def test_a_linear_model_solves_neither_attributes_nor_identity(examples):
    small = np.stack([pixels(example) for example in examples]).reshape(-1, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    train, test = np.split(np.random.default_rng(0).permutation(len(examples)), [700])
    flat = small.reshape(len(examples), -1) / 127.5 - 1
    # Only turns the space, so that the same model is fitted with fewer numbers.
    x = PCA().fit(flat[train]).transform(flat)

    def predict(column):
        y = np.array([example.labels[column] for example in examples])
        return y[test], LogisticRegression(C=0.1, max_iter=60, tol=0.01).fit(x[train], y[train]).predict(x[test])

    scores = [balanced_accuracy_score(*predict(column)) for column in Avatars.target]
    truth, guess = predict("identity")
    assert 0.6 < np.mean(scores) < 0.8
    assert max(scores) > 0.8
    assert 5 / 60 < np.mean(truth == guess) < 0.5
