import numpy as np

from components.report.drawing import FeaturePictures


def test_features_are_drawn_in_one_range():
    maps = np.random.default_rng(0).normal(size=(4, 5, 6, 3))
    assert FeaturePictures(maps).draw(maps[0]).shape == (5, 6, 3)
    assert FeaturePictures(maps).draw(100 * maps[0]).max() == 255
    vectors = maps.reshape(4, -1)
    assert FeaturePictures(vectors).draw(vectors[0]).shape == (9, 10, 3)
