"""The network that all methods share."""

from __future__ import annotations

import dataclasses

from datamix_tf.models.backbones import BACKBONES
from datamix_tf.settings import at_least, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """The network that all methods share."""

    GROUP = "models"

    hidden_units: int = setting(256, "units of a hidden layer in M_post; the papers have none: 0", **at_least(0))
    backbone: str = setting(
        "resnet18",
        "the network; splitnet, the six layers of the obfuscation paper, has neither a width nor a hidden layer",
        choices=tuple(BACKBONES),
    )
    attribute_logits: int = setting(
        1,
        "logits of the classifier for each binary attribute; 2, a softmax over no and yes, is the papers'",
        choices=(1, 2),
    )
    width: int = setting(32, "filters of the ResNet stem; 64 (--preset full) is ResNet-18", **at_least(1))
