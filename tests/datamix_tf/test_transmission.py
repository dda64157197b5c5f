import numpy as np

from datamix_tf.transmission import cloud_body, transmitted
from tests.datamix_tf.attacks.places import network, people, private


def test_transmitted_is_what_the_cloud_gets():
    model, x = private(4), people(8, 0)[0]
    sent = np.asarray(transmitted(model)(x))
    features = np.asarray(model.pre(x))
    assert np.abs(sent - features).max() > 0.1
    # An orthogonal key keeps each group's Gram matrix over features.
    for group in range(2):
        rows = slice(4 * group, 4 * group + 4)
        np.testing.assert_allclose(sent[rows].T @ sent[rows], features[rows].T @ features[rows], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(transmitted(network())(x), x)


def test_the_body_is_a_copy_of_the_clouds_part():
    model = private(4)
    body = cloud_body(model)
    x = np.ones((4, 16), "float32")
    np.testing.assert_allclose(body(x), model.main(x), rtol=1e-6)
    body.set_weights([0 * weight for weight in body.get_weights()])
    assert np.abs(np.asarray(model.main(x))).max() > 0
