"""Keras layers for private split inference."""

from datamix_tf.layers.keys import OrthogonalKeys
from datamix_tf.layers.mixing import DeMix, Mix
from datamix_tf.layers.shuffling import GroupShuffle, GroupUnshuffle

__all__ = ["DeMix", "GroupShuffle", "GroupUnshuffle", "Mix", "OrthogonalKeys"]
