"""Training for obfuscation, and what is made of one trained network: its profile, pruning, and an attack."""

import functools

import keras
import numpy as np
import pytest

from datamix_tf.attacks import AttackTraining, LabelAttack
from datamix_tf.defences import NetworkSpec, RemovalTrained
from datamix_tf.graph import calls, run_on
from datamix_tf.layers import Sent
from datamix_tf.models import splitnet
from datamix_tf.models.splitnet import sent, sent_layer
from datamix_tf.obfuscation.profile import choose, profile, serving
from datamix_tf.obfuscation.pruning import prune
from datamix_tf.obfuscation.signal import obfuscate
from datamix_tf.obfuscation.statistics import kept_statistics, normalisations
from datamix_tf.training.signal_training import SignalTraining, decorrelation

CUTS = [sent_layer(split_layer) for split_layer in range(2, 7)]


def squares(n=512, seed=0):
    """Where a bright square stands is the class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n).astype("int32")
    x = 0.3 * rng.normal(size=(n, 16, 16, 1)).astype("float32")
    for k in range(4):
        x[y == k, 8 * (k // 2) : 8 * (k // 2) + 6, 8 * (k % 2) : 8 * (k % 2) + 6] += 1
    return x, y


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    network = splitnet((16, 16, 1), 4)
    training = SignalTraining(network, CUTS, decov=0.01, gaussian=0.01, every=4, seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    training.compile("adam", loss, metrics=["accuracy"], jit_compile=False)
    history = training.fit(*squares(), batch_size=32, epochs=8, verbose=0).history
    return network, training, history


def test_it_learns_and_stands_the_removal_of_content(trained):
    network, _, history = trained
    x, y = squares(256, 1)
    assert history["loss"][-1] < history["loss"][0]
    private, _ = obfuscate(network, sent(network, 5), rank=2)
    # 4 classes at chance 0.25; standard error of 256 at 0.8 is 0.025.
    for model in (network, private):
        assert (np.asarray(model(x)).argmax(1) == y).mean() > 0.8


def test_removing_content_in_training_is_removing_it_from_the_feature(trained):
    """W (z - B B^T z) = (W - W B B^T) z: the reduced kernels give what the obfuscated network gives."""
    network, training, _ = trained
    index, kept = training.draw()
    private, _ = obfuscate(network, network.get_layer(CUTS[index]).output, rank=kept)
    x, _ = squares(8, 2)
    values = training._reduced(training.parts.trainable_variables)
    states = [variable.value for variable in training.parts.non_trainable_variables]
    (logits, *_), _ = training.parts.stateless_call(values, states, x, training=False)
    np.testing.assert_allclose(logits, private(x), rtol=1e-3, atol=1e-4)


def test_statistics_do_not_depend_on_what_was_removed_last(trained):
    """Weights frozen, 26 batches under each of several draws: the same network, whatever the draw removed.

    The network as it is, and as it serves a strong removal, is that of the batches alone.
    """
    network, training, _ = trained
    training.optimizer.learning_rate = 0.0
    x, y = squares(26 * 32, 7)
    tested, _ = squares(256, 1)
    drawn, found = set(), []
    for _ in range(4):
        drawn.add(training.draw())
        with kept_statistics(network):
            for start in range(0, len(x), 32):
                training.train_on_batch(x[start : start + 32], y[start : start + 32])
            full = np.asarray(network(tested))
            found.append((full, np.asarray(serving(network, sent(network, 3), 2, x[:256])(tested))))
    assert len(drawn) > 1
    for full, served in found[1:]:
        np.testing.assert_allclose(full, found[0][0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(served, found[0][1], rtol=1e-3, atol=1e-3)


def test_a_server_has_the_statistics_of_what_it_receives(trained):
    network, _, _ = trained
    x, _ = squares(300, 9)
    with kept_statistics(network):
        before = np.asarray(network(x))
        np.testing.assert_array_equal(serving(network, sent(network, 2), None, x)(x).shape, before.shape)
        np.testing.assert_array_equal(network(x), before)  # all that the server sees: nothing changes
        model = serving(network, sent(network, 2), 2, x)
        behind = normalisations(keras.Model(model.get_layer("signal_content").output, model.outputs[0]))
        assert [layer.name for layer in behind] == ["layer2_out", "layer3_bn", "layer4_out", "layer5_out"]
        (call,) = calls(model, behind[0])
        received = np.asarray(keras.Model(model.inputs[0], call.input_tensors[0])(x))
        np.testing.assert_allclose(behind[0].moving_mean, received.mean((0, 1, 2)), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(network(x), before)  # put back


def test_every_rank_and_every_split_layer_is_drawn():
    """Six cuts, the raw input first; two classes: the last layer's two coefficients are cut to one.

    k is log-uniform from 1: P(1) = log 2 / log(rank + 1). 600 draws, within 4 standard errors.
    """
    spec = NetworkSpec((16, 16, 1), 2, False, 1, (0.0,), (1.0,), seed=0, backbone="splitnet")
    network = RemovalTrained().build(spec)
    (stage,) = RemovalTrained().stages(1, 1)
    training = stage.wrapped(network, spec, 12)
    assert training.every == 2 and len(training.fronts) == 6
    ranks = [front.decompose()[0].shape[1] for front in training.fronts]
    assert ranks == [9, 32, 64, 128, 64, 2]
    for front, rank in zip(training.fronts, ranks, strict=True):  # not decomposed 600 times
        basis = front.decompose()
        object.__setattr__(front, "decompose", functools.partial(lambda found: found, basis))
        assert basis[0].shape[1] == rank
    draws = [training.draw() for _ in range(600)]
    for index, rank in enumerate(ranks):
        kept = [k for cut, k in draws if cut == index]
        assert abs(len(kept) / 600 - 1 / 6) < 4 * (5 / 36 / 600) ** 0.5
        assert min(kept) == 1 and max(kept) <= rank
        share = np.log(2) / np.log(rank + 1)
        assert abs(kept.count(1) / len(kept) - share) < 4 * (share * (1 - share) / len(kept)) ** 0.5


def test_a_last_batch_may_be_cut_short_and_a_raw_input_is_not_shaped():
    network = splitnet((8, 8, 1), 2, normalization=keras.layers.Normalization(mean=[0.0], variance=[1.0], name="raw"))
    training = SignalTraining(network, ["raw", sent_layer(4)], decov=0.01, gaussian=0.01, seed=0)
    assert not any(layer.name == "raw_sample" for layer in training.parts.layers)
    training.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    x, y = np.random.default_rng(0).normal(size=(13, 8, 8, 1)).astype("float32"), np.arange(13) % 2
    assert np.isfinite(training.fit(x, y, batch_size=8, epochs=2, verbose=0).history["loss"]).all()


def test_the_penalty_of_decorrelation():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(40, 5)).astype("float32")
    covariance = np.cov(z.T, bias=True)
    wanted = (np.sum(covariance**2) - np.sum(np.diag(covariance) ** 2)) / 2 / 5
    assert np.isclose(float(decorrelation(z)), wanted, rtol=1e-4)


def test_the_profile_and_the_choice_from_it(trained):
    network, _, _ = trained
    x, y = squares(200, 3)
    entries = profile(network, {layer: sent(network, layer) for layer in (4, 5, 6)}, x, y, (0.0, 0.75, 1.0))
    assert {entry.split_layer for entry in entries} == {4, 5, 6}
    for entry in entries:
        assert 1 <= entry.kept <= entry.rank and entry.bytes_up == 4 * entry.kept
        with kept_statistics(network):
            private = serving(network, sent(network, entry.split_layer), entry.kept, x)
            assert np.isclose((np.asarray(private(x)).argmax(1) == y).mean(), entry.accuracy, atol=1 / 200)
    # With no limit: the deepest layer. With little work: one that can be afforded.
    assert choose(entries, 1e12, 0.05).split_layer == 6
    least = min(entry.edge_macs for entry in entries)
    assert choose(entries, least, 1.0).split_layer == 4
    assert choose(entries, 1e12, 0.0).kept >= choose(entries, 1e12, 1.0).kept
    with pytest.raises(ValueError, match=str(least)):
        choose(entries, least - 1, 1.0)


@pytest.mark.parametrize("split_layer", [2, 4])
def test_pruning_keeps_the_channels_with_the_largest_norms(trained, split_layer):
    network, _, _ = trained
    x, _ = squares(4, 5)
    pruned = prune(network, sent(network, split_layer), 5)
    mask = np.asarray(pruned.get_layer("pruning").mask)
    assert mask.sum() == 5
    layer = network.get_layer(f"layer{split_layer}_{'conv' if split_layer < 4 else 'dense'}")
    norms = np.abs(np.asarray(layer.kernel)).sum(
        axis=tuple(i for i in range(layer.kernel.ndim) if i != layer.kernel.ndim - 2)
    )
    assert norms[mask == 1].min() >= norms[mask == 0].max()
    everything = prune(network, sent(network, split_layer), len(mask))
    np.testing.assert_allclose(everything(x), network(x), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="kept"):
        prune(network, sent(network, split_layer), 0)


@pytest.mark.parametrize("split_layer", [1, 4, 6])
def test_an_adversary_reads_what_is_sent(trained, split_layer):
    network, _, _ = trained
    tensor = sent(network, split_layer)
    open_ = keras.Model(network.inputs[0], run_on(keras.Model(tensor, network.outputs[0]), Sent(name="sent")(tensor)))
    attack = LabelAttack(
        open_, 4, binary=False, training=AttackTraining(epochs=3, batch_size=32, learning_rates=(1e-2,))
    )
    attack.fit(squares(256, 6), squares(64, 7))
    assert attack.score(squares(128, 8)).score > 0.5
