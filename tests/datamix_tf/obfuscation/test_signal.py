"""Signal content: the paper's lemmas and theorem, and what it does to networks."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamix_tf.layers.signal_content import bounded
from datamix_tf.models import resnet18, splitnet
from datamix_tf.models.splitnet import NUM_LAYERS, sent
from datamix_tf.obfuscation.signal import fields_of, front_of, obfuscate, preserved_content, refresh
from datamix_tf.transmission import cloud_body, copy_of, transmitted
from tests.datamix_tf.layers.strategies import seeds


def matrix(seed, most=12):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, most, 2)
    return rng.normal(size=(m, n)), rng


def network(shape=(12, 12, 2), classes=3):
    keras.utils.set_random_seed(1)
    model = splitnet(shape, classes)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(0.1 * np.random.default_rng(0).normal(size=layer.moving_mean.shape))
    return model


@settings(max_examples=20)
@given(seed=seeds)
def test_lemmas_1_to_3_coefficients_of_white_features_are_white(seed):
    """Independent with the variance of z, and together with its entropy."""
    w, rng = matrix(seed, 8)
    n, count = w.shape[1], 4000
    _, _, vt = np.linalg.svd(w)  # all n vectors
    z = 1.5 * rng.normal(size=(count, n))
    alpha = z @ vt.T
    covariance = alpha.T @ alpha / count
    # A sample covariance has a standard error of at most sqrt(2 / count) sigma^2; n^2 of them, 6 standard errors.
    assert np.abs(covariance - 2.25 * np.eye(n)).max() < 6 * 2.25 * np.sqrt(2 / count)
    # Entropy: sum of the coefficients' (lemma 3), which for one covariance matrix is log det, kept by a rotation.
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * (z.T @ z / count))[1]
    assert np.isclose(entropy, 0.5 * np.linalg.slogdet(2 * np.pi * np.e * covariance)[1], atol=1e-8)
    apart = 0.5 * np.log(2 * np.pi * np.e * np.diag(covariance)).sum()
    assert entropy <= apart + 1e-9 and apart - entropy < 3 * n**2 / count


@settings(max_examples=50)
@given(seed=seeds)
def test_lemma_4_distortion(seed):
    w, rng = matrix(seed)
    _, s, vt = np.linalg.svd(w, full_matrices=False)
    first, second = rng.normal(size=(2, w.shape[1]))
    alpha, other = vt @ first, vt @ second
    assert np.isclose(np.linalg.norm(w @ (first - second)), np.sqrt(((alpha - other) ** 2 * s**2).sum()))


@settings(max_examples=50)
@given(seed=seeds, share=st.floats(0.01, 1.5))
def test_theorem_1_uses_the_budget_and_keeps_as_little_as_any_alternative(seed, share):
    w, rng = matrix(seed)
    _, s, vt = np.linalg.svd(w, full_matrices=False)
    alpha = vt @ rng.normal(size=w.shape[1])
    budget = share * np.linalg.norm(s * alpha)
    kept = np.asarray(bounded(alpha[None], s, budget))[0]
    distortion = np.linalg.norm(s * (alpha - kept))
    assert np.isclose(distortion, min(budget, np.linalg.norm(s * alpha)), rtol=1e-5, atol=1e-9)
    # The number of coefficients that are not zero is the measure (each of them adds the same entropy in the paper):
    # no set of fewer coefficients, whichever, has as little distortion on average over z. Random subsets try.
    left = np.flatnonzero(np.abs(kept) > 1e-12)
    assert (left == np.arange(len(left))).all()
    for _ in range(20):
        fewer = rng.permutation(len(s))[: max(len(left) - 1, 0)]
        dropped = np.setdiff1d(np.arange(len(s)), fewer)
        wanted = np.arange(len(fewer), len(s))
        assert (s[dropped] ** 2).sum() >= (s[wanted] ** 2).sum() - 1e-9  # E |W (z - z')|^2 / sigma^2


@settings(max_examples=10)
@given(seed=seeds, rank=st.integers(1, 4))
def test_theorem_1_no_other_subspace_of_the_rank_distorts_less(seed, rank):
    """Through the layers themselves, on average over z: the kept basis against random subspaces of the same rank."""
    keras.utils.set_random_seed(seed % 2**31)
    inputs = keras.Input((9,))
    network = keras.Model(inputs, keras.layers.Dense(5, use_bias=False)(inputs))
    private, front = obfuscate(network, inputs, rank)
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(3000, 9)).astype("float32")
    wanted = np.asarray(network(z))
    ours = ((np.asarray(private(z)) - wanted) ** 2).sum(1).mean()
    for _ in range(10):
        other = np.linalg.qr(rng.normal(size=(9, rank)))[0]
        theirs = ((z @ other @ other.T @ front.matrix().T - wanted) ** 2).sum(1).mean()
        # Standard error of such a mean: at most sqrt(2 / 3000) of it, for each of the two; 5 of them.
        assert ours <= theirs * (1 + 10 * (2 / 3000) ** 0.5)


@pytest.mark.parametrize("split_layer", range(1, NUM_LAYERS + 1))
def test_distortion_free_obfuscation_changes_nothing(split_layer):
    model = network()
    x = np.random.default_rng(1).normal(size=(4, 12, 12, 2)).astype("float32")
    private, front = obfuscate(model, sent(model, split_layer))
    wanted = np.asarray(model(x))
    assert np.abs(np.asarray(private(x)) - wanted).max() < 1e-5 * np.abs(wanted).max()
    # It comes back from its config, and is cut where the coefficients are.
    again = copy_of(private)
    np.testing.assert_allclose(again(x), private(x), rtol=1e-5, atol=1e-6)
    coefficients = transmitted(private)(x)
    assert coefficients.shape[1:] == private.get_layer("signal_content").output.shape[1:]
    assert np.isfinite(np.asarray(cloud_body(private)(coefficients))).all()
    assert front.decompose()[0].shape[1] <= front.matrix().shape[0]


@pytest.mark.parametrize("split_layer", [2, 4])
def test_what_is_sent_is_the_projection_on_the_signal_basis(split_layer):
    model = network()
    x = np.random.default_rng(1).normal(size=(3, 12, 12, 2)).astype("float32")
    private, front = obfuscate(model, sent(model, split_layer), rank=3)
    z = np.asarray(keras.Model(model.inputs[0], sent(model, split_layer))(x))
    basis, _ = front.decompose()
    np.testing.assert_allclose(
        np.asarray(transmitted(private)(x)).reshape(-1, 3), fields_of(front, z) @ basis[:, :3], atol=1e-4
    )
    assert preserved_content(fields_of(front, z), basis) <= 1e-6
    assert preserved_content(fields_of(front, z), basis[:, :3]) < preserved_content(fields_of(front, z), basis)


def test_a_convolution_over_its_whole_map():
    model = network((8, 8, 2))
    x = np.random.default_rng(1).normal(size=(3, 8, 8, 2)).astype("float32")
    tensor = sent(model, 3)
    private, front = obfuscate(model, tensor, exact=True)
    np.testing.assert_allclose(private(x), model(x), rtol=1e-4, atol=1e-5)
    z = np.asarray(keras.Model(model.inputs[0], tensor)(x)).reshape(3, -1)
    conv = model.get_layer("layer3_conv")
    kernel_alone = keras.ops.conv(z.reshape(3, *tensor.shape[1:]), conv.kernel, 1, "same")
    np.testing.assert_allclose(z @ front.matrix().T, np.asarray(kernel_alone).reshape(3, -1), atol=1e-4)
    large = network((64, 64, 2))
    with pytest.raises(ValueError, match="too large"):
        obfuscate(large, sent(large, 2), exact=True)


def test_a_resnet_is_cut_in_front_of_strides_only():
    keras.utils.set_random_seed(0)
    model = resnet18((32, 32, 3), 4, width=4)
    x = np.random.default_rng(1).normal(size=(2, 32, 32, 3)).astype("float32")
    private, front = obfuscate(model, model.get_layer("stage1_block2_out").output)
    np.testing.assert_allclose(private(x), model(x), rtol=1e-3, atol=1e-5)
    assert front.matrix().shape == (16, 36)  # the block's convolution and its shortcut's, 8 filters each
    with pytest.raises(ValueError, match="shows it all"):
        obfuscate(model, model.get_layer("stem_pool").output)


def test_distortion_bounded_obfuscation_keeps_within_its_budget():
    model = network()
    x = np.random.default_rng(1).normal(size=(6, 12, 12, 2)).astype("float32")
    tensor = sent(model, 4)
    private, front = obfuscate(model, tensor, distortion=0.5)
    z = np.asarray(keras.Model(model.inputs[0], tensor)(x))
    basis, values = front.decompose()
    rebuilt = np.asarray(transmitted(private)(x)) @ basis.T
    moved = np.linalg.norm((z - rebuilt) @ front.matrix().T, axis=1)
    assert (moved <= 0.5 * (1 + 1e-4)).all() and moved.max() > 0.4
    with pytest.raises(ValueError, match="leave `rank` out"):
        obfuscate(model, tensor, rank=2, distortion=0.5)
    assert len(values) == basis.shape[1]


def test_the_basis_follows_the_weights():
    model = network()
    x = np.random.default_rng(1).normal(size=(4, 12, 12, 2)).astype("float32")
    private, front = obfuscate(model, sent(model, 5))
    layer = model.get_layer("layer5_dense")
    layer.kernel.assign(np.random.default_rng(3).normal(size=layer.kernel.shape))
    assert np.abs(np.asarray(private(x)) - np.asarray(model(x))).max() > 1e-3
    refresh(private.get_layer("signal_content"), private.get_layer("signal_rebuild"), front)
    np.testing.assert_allclose(private(x), model(x), rtol=1e-4, atol=1e-5)


def test_servers_that_do_not_start_with_linear_layers_are_refused():
    inputs = keras.Input((5,))
    server = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.ReLU()(inputs)))
    with pytest.raises(ValueError, match="ReLU"):
        front_of(server)
