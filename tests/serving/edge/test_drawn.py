"""Covers that are drawn: exact where the cloud is linear, and nothing that must be collected."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamix_tf import DataMixModel
from datamix_tf.layers import GaussianBottleneck
from serving.edge.bundle import load_manifest
from serving.edge.client import EdgeClient
from serving.edge.drawn import DrawnGroup, shortened
from serving.edge.errors import CoverError
from serving.edge.trace import Trace
from tests.serving.deployments import LABELS, deploy, served

SIZE, UNITS = 12, 5


@settings(max_examples=40)
@given(st.integers(2, 40), st.integers(1, 20), st.integers(0, 40), st.integers(0, 2**31))
def test_what_is_linear_comes_back_exactly(size, width, inputs, seed):
    inputs = min(inputs, size)
    random = np.random.default_rng(seed)
    codes, weights = random.normal(size=(inputs, width)), random.normal(size=(width, 3))
    group = DrawnGroup(size, inputs)
    mixtures = group.mix(codes)
    assert mixtures.shape == (size, width) and mixtures.dtype == np.float32
    np.testing.assert_allclose(group.demix(mixtures @ weights), codes @ weights, atol=1e-3)
    group.wipe()
    np.testing.assert_array_equal(group.demix(mixtures), np.zeros((inputs, width)))


def test_mixtures_of_noise_and_of_a_code_have_the_distribution_of_a_key_s():
    # One long code among 7 drawn ones: each row's energy along it is Beta-distributed with mean |z|^2 / n.
    code = np.zeros((1, 4))
    code[0, 0] = 20.0
    along, across = [], []
    for _ in range(2000):
        mixtures = DrawnGroup(8, 1).mix(code)
        along.append(np.sum(mixtures[:, 0] ** 2))
        across.append(np.sum(mixtures[:, 1:] ** 2))
    # |z|^2 and the energy of 7 rows of noise (variance 2 x 7); all of 3 columns: 7 rows of 3 numbers of noise.
    for found, mean, variance in ((along, 400 + 7, 14), (across, 7 * 3, 2 * 21)):
        assert np.mean(found) == pytest.approx(mean, abs=4 * (variance / 2000) ** 0.5)


def test_codes_that_are_too_long_are_shortened():
    codes = np.array([[3.0, 4.0], [0.6, 0.8], [0.0, 0.0]])
    np.testing.assert_allclose(shortened(codes), [[0.6 * 2**0.5, 0.8 * 2**0.5], [0.6, 0.8], [0, 0]])


def bottleneck_model(bits=60.0, activation=None):
    image = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 128, -1)(image))
    pre = keras.Model(image, GaussianBottleneck(UNITS, bits, clipped=True, seed=3)(x))
    features, answers = keras.Input((UNITS,)), keras.Input((7,))
    main = keras.Model(features, keras.layers.Dense(7, activation, use_bias=activation is not None)(features))
    return DataMixModel(pre, main, keras.Model(answers, keras.layers.Dense(len(LABELS))(answers)), group_size=SIZE)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    return deploy(str(tmp_path_factory.mktemp("drawn")), model=bottleneck_model())


@pytest.fixture(scope="module")
def url(deployed):
    with served(deployed.serving) as running:
        yield running.rest_url


@pytest.mark.parametrize(("count", "options", "rows"), [(1, {}, SIZE), (15, {}, 2 * SIZE), (3, {"each": 1}, 3 * SIZE)])
def test_predictions_without_a_cover(deployed, url, inputs, count, options, rows):
    each = {"inputs_per_group": options["each"]} if options else {}
    x = np.resize(inputs, (count, 8, 8, 3)) + np.arange(count).reshape(-1, 1, 1, 1)
    trace = Trace()
    with EdgeClient(deployed.edge, url, wire="float32", **each) as client:
        assert client.draws_covers
        found = client.predict(x.astype("float32"), trace)
        assert client.traffic.rows == rows and client.traffic.examples == count
    # 60 bits in 5 numbers: noise of 2^-12; the cloud is linear, so nothing else comes back.
    wanted = 1 / (1 + np.exp(-np.asarray(deployed.model.unmixed()(x.astype("float32"), training=False))))
    np.testing.assert_allclose(found, wanted, atol=3e-3)
    sent = np.concatenate([exchange.mixtures for exchange in trace.exchanges])
    assert sent.shape == (rows, UNITS)
    assert {len(exchange.inputs) for exchange in trace.exchanges} == {count} and not trace.exchanges[0].keys


def test_messages_of_a_fixed_number_of_groups(deployed, url, inputs):
    with EdgeClient(deployed.edge, url, groups=3, wire="float32") as client:
        client.predict(inputs[:1])
        assert client.traffic.rows == 3 * SIZE and client.traffic.messages == 1
        found = client.predict(inputs[:2])
    wanted = 1 / (1 + np.exp(-np.asarray(deployed.model.unmixed()(inputs[:2], training=False))))
    np.testing.assert_allclose(found, wanted, atol=3e-3)


def test_covers_that_are_named_are_used(deployed, url, inputs, covers):
    with EdgeClient(deployed.edge, url, covers=covers) as client:
        assert not client.draws_covers
        client.predict(inputs[:1])
    with pytest.raises(ValueError, match="covers were named; leave it out"):
        EdgeClient(deployed.edge, url, covers=covers, inputs_per_group=1)


def test_what_cannot_be_used_is_told(deployed, url, tmp_path, inputs):
    for wrong in (0, SIZE + 1):
        with pytest.raises(ValueError, match=f"inputs_per_group must be from 1 to {SIZE}. Received: {wrong}"):
            EdgeClient(deployed.edge, url, inputs_per_group=wrong)
    maps = deploy(str(tmp_path))
    assert load_manifest(maps.edge).drawn == {}
    with pytest.raises(ValueError, match="this bundle's covers must be collected"):
        EdgeClient(maps.edge, url, inputs_per_group=1)
    with EdgeClient(maps.edge, url) as client, pytest.raises(CoverError):
        client.predict(inputs[:1])


def test_the_command_needs_no_covers(deployed, url, tmp_path, capsys):
    import PIL.Image

    from serving.edge.__main__ import main

    PIL.Image.new("RGB", (8, 8), (200, 10, 10)).save(tmp_path / "me.png")
    assert main(["predict", "--bundle", deployed.edge, "--url", url, str(tmp_path / "me.png")]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(str(tmp_path / "me.png")) and "sent" in captured.err
