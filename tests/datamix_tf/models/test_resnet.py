import pytest

from datamix_tf import split
from datamix_tf.models import resnet18
from datamix_tf.models.resnet import post_layer, pre_layer
from datamix_tf.models.splitnet import sent_layer


def test_a_hidden_layer_belongs_to_post():
    network = resnet18((32, 32, 1), 3, width=8, hidden_units=10)
    _, main, post = split(network, after=pre_layer(1), before=post_layer(network))
    assert main.output_shape == (None, 64)
    assert [layer.name for layer in post.layers[1:]] == ["hidden", "hidden_bn", "hidden_relu", "classifier"]


@pytest.mark.parametrize(("function", "value"), [(pre_layer, -1), (pre_layer, 4), (sent_layer, 1), (sent_layer, 7)])
def test_cuts_that_do_not_exist_are_explained(function, value):
    with pytest.raises(ValueError, match=f"Received: {value}"):
        function(value)
