"""Keras layers for private split inference."""

from datamix_tf.layers.anonymizer import FaceAnonymizer
from datamix_tf.layers.keys import ConvexKeys, OrthogonalKeys
from datamix_tf.layers.masking import SpectrogramMask
from datamix_tf.layers.mixing import DeMix, Mix
from datamix_tf.layers.obfuscation import Blur, GaussianBlur, InputNoise, Obfuscation
from datamix_tf.layers.shuffling import GroupShuffle, GroupUnshuffle

__all__ = [
    "Blur",
    "ConvexKeys",
    "DeMix",
    "FaceAnonymizer",
    "GaussianBlur",
    "GroupShuffle",
    "GroupUnshuffle",
    "InputNoise",
    "Mix",
    "Obfuscation",
    "OrthogonalKeys",
    "SpectrogramMask",
]
