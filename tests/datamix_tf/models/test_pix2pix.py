import numpy as np
import pytest

from datamix_tf.models.pix2pix import patch_gan, unet


def test_shapes_of_pix2pix():
    generator = unet((5, 7, 6), (20, 25, 12), width=4)
    assert generator(np.zeros((2, 5, 7, 6), "float32")).shape == (2, 20, 25, 12)
    critic = patch_gan((5, 7, 6), (20, 25, 3), width=4)
    assert critic([np.zeros((2, 5, 7, 6), "float32"), np.zeros((2, 20, 25, 3), "float32")]).shape[-1] == 1


def test_the_networks_have_the_published_sizes():
    """54.4 M parameters and a discriminator of 2.8 M, for 256 x 256 pictures."""
    count = sum(np.prod(weight.shape) for weight in unet((256, 256, 3), (256, 256, 3)).trainable_weights)
    assert count == pytest.approx(54.4e6, rel=0.005)
    critic = sum(np.prod(weight.shape) for weight in patch_gan((256, 256, 3), (256, 256, 3)).trainable_weights)
    assert critic == pytest.approx(2.77e6, rel=0.005)
