"""Backbones, as functional Keras models with layer names to cut at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datamix_tf.lazy import lazily

if TYPE_CHECKING:
    from datamix_tf.models.resnet import resnet18
    from datamix_tf.models.splitnet import splitnet
    from datamix_tf.models.vgg import vgg16

__all__ = ["resnet18", "splitnet", "vgg16"]
__getattr__, __dir__ = lazily(
    __name__, {"resnet18": f"{__name__}.resnet", "splitnet": f"{__name__}.splitnet", "vgg16": f"{__name__}.vgg"}
)
