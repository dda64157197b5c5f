import numpy as np

from components.report.separation import separable


def test_features_of_too_few_directions_are_not_separated():
    random = np.random.default_rng(0)
    assert separable(random.normal(size=(4, 6, 6, 2)))
    assert not separable(random.normal(size=(4, 3))) and not separable(np.ones((4, 6, 6, 2)))
