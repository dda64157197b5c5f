"""Keras layers for private split inference."""

from datamix_tf.layers.anonymizer import FaceAnonymizer
from datamix_tf.layers.feature_obfuscation import FeatureMask, GaussianMechanism, LearnedNoise, Sent
from datamix_tf.layers.gaussian_bottleneck import GaussianBottleneck, without_noise
from datamix_tf.layers.gaussian_sample import GaussianSample
from datamix_tf.layers.keys import ConvexKeys, OrthogonalKeys
from datamix_tf.layers.masking import SpectrogramMask
from datamix_tf.layers.mixing import DeMix, Mix
from datamix_tf.layers.obfuscation import Blur, GaussianBlur, InputNoise, Obfuscation
from datamix_tf.layers.paired_logits import PairedLogits
from datamix_tf.layers.shifting import RandomShift
from datamix_tf.layers.shuffling import GroupShuffle, GroupUnshuffle
from datamix_tf.layers.signal_content import OnFields, SignalContent, SignalRebuild

__all__ = [
    "Blur",
    "ConvexKeys",
    "DeMix",
    "FaceAnonymizer",
    "FeatureMask",
    "GaussianBlur",
    "GaussianBottleneck",
    "GaussianMechanism",
    "GaussianSample",
    "GroupShuffle",
    "GroupUnshuffle",
    "InputNoise",
    "LearnedNoise",
    "Mix",
    "Obfuscation",
    "OnFields",
    "OrthogonalKeys",
    "PairedLogits",
    "RandomShift",
    "Sent",
    "SignalContent",
    "SignalRebuild",
    "SpectrogramMask",
    "without_noise",
]
