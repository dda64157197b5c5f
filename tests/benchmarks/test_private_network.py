"""The network of the private inference benchmark: by hand as in Keras, encrypted as by hand."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import private_network
from tests.conftest import REPOSITORY

needs_tenseal = pytest.mark.skipif(not importlib.util.find_spec("tenseal"), reason="pip install tenseal")


@pytest.fixture(scope="module")
def digits():
    return private_network.digits()


def test_the_split_is_by_content(digits):
    (x_train, y_train), (x, y) = digits
    assert len(x_train) == len(y_train) and len(x) == len(y) and len(x_train) + len(x) == 1797
    assert 0.15 < len(x) / 1797 < 0.25
    trained_on = {picture.tobytes() for picture in x_train}
    assert not any(picture.tobytes() in trained_on for picture in x)


@pytest.mark.parametrize("size", [8, 28])
def test_the_network_by_hand_is_the_keras_network(size):
    model = private_network.network(size, 10)
    for layer in model.layers:  # Biases are zeros before a training.
        if hasattr(layer, "bias"):
            layer.bias.assign(np.random.default_rng(0).normal(size=layer.bias.shape))
    pictures = np.random.default_rng(1).integers(0, 256, (3, size, size, 1), dtype=np.uint8)
    weights = private_network.weights_of(model)
    by_hand = np.stack([private_network.logits(weights, picture, size) for picture in pictures])
    np.testing.assert_allclose(model(pictures.astype("float32")), by_hand, rtol=1e-4, atol=1e-4)


def test_an_unknown_data_set_is_refused():
    with pytest.raises(ValueError, match="--dataset must be digits or folder:PATH; received 'mnist'"):
        private_network.digits("mnist")


def test_pictures_of_a_folder(real_data):
    (x_train, _), (x, y) = private_network.digits("folder:" + real_data("digits_writers.zip"))
    assert x_train.shape[1:] == (28, 28, 1) and x.dtype == np.uint8 and set(y) == set(range(10))


def _weights(size, path):
    rng = np.random.default_rng(0)
    weights = {
        name: value / 4 + 0.1 * rng.normal(size=value.shape)
        for name, value in private_network.weights_of(private_network.network(size, 10)).items()
    }
    np.savez(path, **weights)
    return weights


def test_mpc_computes_the_network_and_counts_its_bytes(tmp_path):
    pytest.importorskip("mpyc", reason="pip install mpyc")
    from benchmarks import mpc

    weights = _weights(8, tmp_path / "weights.npz")
    pictures = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 1), dtype=np.uint8)
    with mpc.started(str(tmp_path / "weights.npz"), 8) as parties:
        for count, picture in enumerate(pictures, start=1):
            np.testing.assert_allclose(parties.query(picture), private_network.logits(weights, picture, 8), atol=0.01)
            # A share of 64 pixels goes to each of two clouds, at 8 bytes and more.
            assert parties.bytes_up > count * 2 * 64 * 8 and parties.bytes_down > 0 and parties.bytes_between > 0


@pytest.mark.slow  # keys of 97 MB
@needs_tenseal
def test_ckks_computes_the_network(tmp_path):
    from benchmarks import ckks

    weights = _weights(8, tmp_path / "weights.npz")
    picture = np.random.default_rng(1).integers(0, 256, (8, 8, 1), dtype=np.uint8)
    with ckks.started(str(tmp_path / "weights.npz"), 8) as client:
        expected = private_network.logits(weights, picture, 8)
        found = client.query(picture)
        assert np.abs(found - expected).max() < 0.2 and found.argmax() == expected.argmax()
        # Two polynomials of 8192 coefficients at 7 primes take more than 300 kB, whatever compression does.
        assert client.bytes_up > 300_000 and client.key_bytes > 50_000_000 and client.bytes_down > 10_000


@needs_tenseal
def test_the_ckks_server_wants_keys_and_never_the_secret_one(tmp_path):
    _weights(8, tmp_path / "weights.npz")
    code = """
import sys, numpy as np, tenseal
from benchmarks import ckks
server = ckks.Server(dict(np.load(sys.argv[1])), 8)
whole = tenseal.context(tenseal.SCHEME_TYPE.CKKS, ckks.DEGREE, coeff_mod_bit_sizes=ckks.MODULUS_BITS)
for ask in (lambda: server.query(b""), lambda: server.keys(whole.serialize(save_secret_key=True))):
    try:
        ask()
    except ValueError as error:
        print(error)
"""  # in a process of its own: TenSEAL cannot write keys beside TensorFlow
    command = [sys.executable, "-c", code, str(tmp_path / "weights.npz")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "expected the keys first (POST /keys), received a query",
        "expected a context without the secret key, received one with it",
    ]
