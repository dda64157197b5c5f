import numpy as np
import pytest

from datamix_tf import split
from datamix_tf.models import splitnet
from datamix_tf.models.splitnet import sent_layer


@pytest.mark.parametrize("split_layer", [2, 3, 4, 5, 6])
def test_the_six_layer_network_splits_at_every_layer(split_layer):
    network = splitnet((24, 24, 3), 4)
    x = np.random.default_rng(0).normal(size=(3, 24, 24, 3)).astype("float32")
    after = sent_layer(split_layer)
    if split_layer == 6:  # the classifier is all that is left for the server
        with pytest.raises(ValueError, match="Nothing is left"):
            split(network, after=after, before="classifier")
        return
    pre, main, post = split(network, after=after, before="classifier")
    np.testing.assert_allclose(post(main(pre(x))), network(x), rtol=1e-4, atol=1e-5)
    assert len(pre.output_shape) == (4 if split_layer < 4 else 2)
