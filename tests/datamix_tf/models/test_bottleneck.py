import keras
import numpy as np

from datamix_tf import DataMixModel
from datamix_tf.costs import count_macs
from datamix_tf.layers import without_noise
from datamix_tf.models.bottleneck import bottleneck_parts
from datamix_tf.models.resnet import pre_layer, resnet18


def test_the_edge_computes_less_than_the_papers_and_the_network_learns_through_the_mixing(tmp_path):
    keras.utils.set_random_seed(0)
    parts = bottleneck_parts((64, 64, 3), 40, 64, 71.0, width=32, seed=0)
    whole = resnet18((64, 64, 3), 40, width=32)
    assert count_macs(parts[0]) + count_macs(parts[2]) < 0.31 * count_macs(whole)
    assert count_macs(keras.Model(whole.inputs[0], whole.get_layer(pre_layer(3)).output)) > count_macs(parts[0])
    parts = bottleneck_parts((64, 64, 3), 40, 64, 71.0, width=8, seed=0)
    x = np.random.default_rng(0).normal(size=(64, 64, 64, 3)).astype("float32")
    y = np.random.default_rng(1).integers(0, 2, (64, 40))
    model = DataMixModel(*parts, group_size=8, seed=0)
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=False)
    losses = model.fit(x, y, batch_size=32, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    quiet, again = (without_noise(part)[0] for part in (model.pre, loaded.pre))
    np.testing.assert_allclose(quiet(x), again(x), atol=1e-5)
