"""The networks that defences share, and where each can be cut."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

#: The backbone that is a user's own model (`datamix_tf.models.own`), and what such a model takes.
OWN = "own"
RAW, UNIT, STANDARDIZED = VALUES = ("raw", "unit", "standardized")


@dataclasses.dataclass(frozen=True)
class Backbone:
    """A network, and where it can be cut.

    Attributes:
        build: A functional model from `shape`, `outputs`, `width`, `hidden_units`, `normalization`, `obfuscation` (a
            layer behind the normalisation, or `None`) and, for a user's own, `raw_cut`.
        pre_layers: For N_pre = 0, 1, 2, ... blocks on the edge the name of the last layer there; N_pre = 0: the
            normalisation.
        post_layer: From the model to the name of M_post's first layer.
    """

    build: Callable[..., Any]
    pre_layers: Callable[[], tuple[str, ...]]
    post_layer: Callable[[Any], str]


def _resnet18(shape: tuple[int, ...], outputs: int, **more: Any) -> Any:
    from datamix_tf.models.resnet import resnet18

    return resnet18(shape, outputs, **more)


def _resnet18_layers() -> tuple[str, ...]:
    from datamix_tf.models.resnet import PRE_LAYERS

    return tuple(PRE_LAYERS.values())


def _resnet18_post(model: Any) -> str:
    from datamix_tf.models.resnet import post_layer

    return post_layer(model)


def _splitnet(shape: tuple[int, ...], outputs: int, *, width: int, hidden_units: int, **more: Any) -> Any:
    from datamix_tf.models.splitnet import splitnet

    del width, hidden_units  # the paper's has neither
    return splitnet(shape, outputs, **more)


def _splitnet_layers() -> tuple[str, ...]:
    from datamix_tf.models.splitnet import NUM_LAYERS, sent_layer

    return ("normalization", *map(sent_layer, range(2, NUM_LAYERS + 1)))


BACKBONES = {
    "resnet18": Backbone(_resnet18, _resnet18_layers, _resnet18_post),
    "splitnet": Backbone(_splitnet, _splitnet_layers, lambda model: "classifier"),
}
