import numpy as np

from datamix_tf.attacks import LinearProbe
from tests.datamix_tf.attacks.places import network, people, private


def test_the_linear_probe_reads_what_is_linear():
    probe = LinearProbe(network(), 4, binary=False, components=8)
    probe.fit(people(512, 1), people(128, 2))
    assert probe.score(people(512, 3)).score > 0.9
    x, y = people(1024, 1)
    labels = np.stack([y == 0, y < 2], 1).astype("int32")
    probe = LinearProbe(private(4), 2, binary=True, components=8)
    probe.fit((x[:512], labels[:512]), (x[512:], labels[512:]))
    # Mixtures of four with random signs: the mean over 512 rows of a fair guess has a standard error of about 0.03.
    assert abs(probe.score((x[:512], labels[:512])).score - 0.5) < 5 * 0.03
