"""Weight decay in the gradient: what SGD with momentum and Adam make of it, by hand."""

import keras
import numpy as np
import pytest

from datamix_tf.training.l2 import L2SGD, L2Adam


@pytest.mark.parametrize("kind", [L2SGD, L2Adam])
def test_decay_is_a_part_of_the_gradient(kind):
    """The same as the plain optimizer on the gradient of the loss plus l2 / 2 |w|^2."""
    plain = {L2SGD: keras.optimizers.SGD, L2Adam: keras.optimizers.Adam}[kind]
    more = {"momentum": 0.9} if kind is L2SGD else {}
    ours, theirs = (keras.Variable(np.array([1.0, -2.0, 0.5], "float32")) for _ in range(2))
    decaying, other = kind(0.1, l2=0.3, **more), plain(0.1, **more)
    gradient = keras.ops.convert_to_tensor([0.2, 0.1, -0.4])
    for _ in range(5):
        decaying.apply([gradient], [ours])
        other.apply([gradient + 0.3 * theirs.value], [theirs])
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    clone = kind.from_config(decaying.get_config())
    assert clone.l2 == 0.3 and clone.get_config() == decaying.get_config()


def test_under_momentum_it_is_ten_times_the_decoupled_one():
    """No gradient but the decay's: after many small steps log w falls by rate * decay / (1 - momentum) a step."""
    rate, decay, steps = 1e-3, 0.1, 400
    falls = []
    for made in (
        L2SGD(rate, l2=decay, momentum=0.9),
        keras.optimizers.SGD(rate, weight_decay=decay, momentum=0.9),
    ):
        weight = keras.Variable(np.ones(1, "float32"))
        made.build([weight])
        for _ in range(steps):
            made.apply([np.zeros(1, "float32")], [weight])
        falls.append(-float(np.log(weight.numpy()[0])))
    # The momentum takes some tens of steps to build up: of 400, the first 9 are lost.
    assert falls[0] / falls[1] == pytest.approx(10 * (1 - 9 / steps), rel=0.01)
