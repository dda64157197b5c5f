"""Backbones, as functional Keras models with layer names to cut at."""

from datamix_tf.models.resnet import resnet18
from datamix_tf.models.splitnet import splitnet
from datamix_tf.models.vgg import vgg16

__all__ = ["resnet18", "splitnet", "vgg16"]
