"""Noise and blur: what they do to pictures, and where models with them are cut."""

import keras
import numpy as np
import pytest

from datamix_tf.attacks import AttackTraining, LabelAttack
from datamix_tf.layers import Blur, GaussianBlur, InputNoise
from datamix_tf.models import resnet18
from datamix_tf.transmission import cloud_body, transmitted
from tests.datamix_tf.layer_test import run_layer_test


def pictures(n=4, size=32):
    return np.random.default_rng(0).normal(size=(n, size, size, 3)).astype("float32")


@pytest.mark.parametrize("variance", [0, 4, 8])
def test_noise_has_its_variance_and_is_fresh(variance):
    x = pictures()
    layer = InputNoise(variance, seed=1)
    first, second = (np.asarray(layer(x)) - x for _ in range(2))
    # The variance of a sample variance is 2 v^2 / n: 5 standard errors.
    assert abs(first.var() - variance) <= 5 * variance * (2 / first.size) ** 0.5
    assert abs((first - second).var() - 2 * variance) <= 10 * variance * (2 / first.size) ** 0.5
    run_layer_test(InputNoise(variance), x)


def test_blur_keeps_what_is_flat_and_forgets_what_is_fine():
    flat = np.full((1, 32, 32, 3), 3.0, "float32")
    np.testing.assert_allclose(Blur(8)(flat), flat, rtol=1e-5)
    checkered = np.indices((32, 32)).sum(0)[None, ..., None] % 2 * np.ones(3) - 0.5
    assert np.abs(np.asarray(Blur(8)(checkered.astype("float32")))).max() < 0.1
    half = np.repeat(np.where(np.arange(32) < 16, -1.0, 1.0)[None, None, :, None], 32, 1) * np.ones(3)
    blurred = np.asarray(Blur(8)(half.astype("float32")))
    assert (np.sign(blurred[:, :, :12]) == -1).all() and (np.sign(blurred[:, :, 20:]) == 1).all()
    run_layer_test(Blur(8), pictures())


def test_blur_leaves_so_many_numbers():
    """All that is left of a picture is linear in size x size numbers for each channel."""
    units = np.eye(256, dtype="float32").reshape(256, 16, 16, 1)
    assert np.linalg.matrix_rank(np.asarray(Blur(4)(units)).reshape(256, 256), tol=1e-4) == 16


def test_a_gaussian_filter_keeps_what_is_constant_and_lowers_what_changes():
    x = pictures()
    blurred = np.asarray(run_layer_test(GaussianBlur(2.0), x))
    np.testing.assert_allclose(GaussianBlur(2.0)(np.ones_like(x)), np.ones_like(x), rtol=1e-5)
    assert blurred.std() < 0.5 * x.std()


def test_blur_commutes_with_standardisation():
    x = pictures() * 40 + 120
    layer, normalization = Blur(8), keras.layers.Normalization(mean=[120, 110, 90], variance=[1600, 1500, 1000])
    np.testing.assert_allclose(layer(normalization(x)), normalization(layer(x)), atol=1e-4)


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: InputNoise(-1), "variance"),
        (lambda: Blur(0), "size"),
        (lambda: GaussianBlur(0), "sigma"),
        (lambda: GaussianBlur(1, size=4), "odd"),
    ],
)
def test_wrong_arguments(make, text):
    with pytest.raises(ValueError, match=text):
        make()


@pytest.mark.parametrize("obfuscation", [InputNoise(4), Blur(8)])
def test_the_cloud_receives_what_is_behind_the_obfuscation(obfuscation):
    normalization = keras.layers.Normalization(mean=[100.0] * 3, variance=[2500.0] * 3)
    model = resnet18((32, 32, 3), 5, width=4, normalization=normalization, obfuscation=obfuscation)
    x = pictures() * 50 + 100
    sent = np.asarray(transmitted(model)(x))
    clear = (x - 100) / 50
    assert sent.shape == x.shape and np.abs(sent - clear).mean() > 0.3
    answers = cloud_body(model)(sent)
    assert answers.shape == (4, 32)
    labels = np.tile([0, 1, 2, 3], 4)
    attack = LabelAttack(model, 4, binary=False, training=AttackTraining(epochs=1, batch_size=8))
    attack.fit((np.tile(x, (4, 1, 1, 1)), labels), (x, labels[:4]))
    assert attack.score((x, labels[:4])).n == 4
    if isinstance(obfuscation, Blur):
        np.testing.assert_allclose(model.layers[-1](answers), model(x), atol=1e-4)
