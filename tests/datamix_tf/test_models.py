import numpy as np
import pytest

from datamix_tf import split
from datamix_tf.models import resnet18, splitnet
from datamix_tf.models.resnet import post_layer, pre_layer
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


def test_a_hidden_layer_belongs_to_post():
    network = resnet18((32, 32, 1), 3, width=8, hidden_units=10)
    _, main, post = split(network, after=pre_layer(1), before=post_layer(network))
    assert main.output_shape == (None, 64)
    assert [layer.name for layer in post.layers[1:]] == ["hidden", "hidden_bn", "hidden_relu", "classifier"]


@pytest.mark.parametrize(("function", "value"), [(pre_layer, -1), (pre_layer, 4), (sent_layer, 1), (sent_layer, 7)])
def test_cuts_that_do_not_exist_are_explained(function, value):
    with pytest.raises(ValueError, match=f"Received: {value}"):
        function(value)
