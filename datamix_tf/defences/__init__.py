"""Defences: one class a file, with its settings, its network, what leaves the edge, and what it is called.

A package of your own adds one by an entry point of the group `datamix_tf.defences` that imports its module, or a user
names the module with `--plugin`.
"""

# In the order of the papers' tables.
from datamix_tf.defences.base import Costs, Defence, Flag, NetworkSpec, flags_of, variant

from datamix_tf.defences.plain import Cloud, Edge  # isort: skip
from datamix_tf.defences.edge_half import EdgeHalf  # isort: skip
from datamix_tf.defences.noise import Noise  # isort: skip
from datamix_tf.defences.blur import BlurredInput  # isort: skip
from datamix_tf.defences.anonymizer import Anonymizer  # isort: skip
from datamix_tf.defences.mixup import Mixup  # isort: skip
from datamix_tf.defences.obfuscated_feature import STRIDED, ObfuscatedFeature  # isort: skip
from datamix_tf.defences.signal_content import SignalContentAlone  # isort: skip
from datamix_tf.defences.datamix import DataMix  # isort: skip
from datamix_tf.defences.linear_cloud import LinearCloud  # isort: skip
from datamix_tf.defences.edge_head import EdgeHead  # isort: skip
from datamix_tf.defences.signal_content_mixed import SignalContentMixed  # isort: skip
from datamix_tf.defences.bottleneck import MixedBottleneck  # isort: skip
from datamix_tf.defences.unmixed_bottleneck import UnmixedBottleneck  # isort: skip
from datamix_tf.defences.split_feature import SplitFeature  # isort: skip
from datamix_tf.defences.removal_trained import RemovalTrained  # isort: skip
from datamix_tf.defences.signal_content_sent import SignalContentSent  # isort: skip
from datamix_tf.defences.pruning import Pruning  # isort: skip
from datamix_tf.defences.adversarial import AdversarialTraining  # isort: skip
from datamix_tf.defences.information_bottleneck import InformationBottleneck  # isort: skip
from datamix_tf.defences.shredder import Shredder  # isort: skip
from datamix_tf.defences.clipped_noise import ClippedNoise  # isort: skip
from datamix_tf.defences.obfuscated_input import ObfuscatedInput  # isort: skip
from datamix_tf.defences.stages import Adversary, Stage  # isort: skip
from datamix_tf.defences.registry import all_defences, from_dict, get, load_plugin, register, to_dict

__all__ = [
    "STRIDED",
    "AdversarialTraining",
    "Adversary",
    "Anonymizer",
    "BlurredInput",
    "ClippedNoise",
    "Cloud",
    "Costs",
    "DataMix",
    "Defence",
    "Edge",
    "EdgeHalf",
    "EdgeHead",
    "Flag",
    "InformationBottleneck",
    "LinearCloud",
    "MixedBottleneck",
    "Mixup",
    "NetworkSpec",
    "Noise",
    "ObfuscatedFeature",
    "ObfuscatedInput",
    "Pruning",
    "RemovalTrained",
    "Shredder",
    "SignalContentAlone",
    "SignalContentMixed",
    "SignalContentSent",
    "SplitFeature",
    "Stage",
    "UnmixedBottleneck",
    "all_defences",
    "flags_of",
    "from_dict",
    "get",
    "load_plugin",
    "register",
    "to_dict",
    "variant",
]
