"""No defence: the whole network in one place."""

from __future__ import annotations

import dataclasses
from typing import Any

from datamix_tf.costs import cost_of
from datamix_tf.defences.base import Costs, Defence, NetworkSpec
from datamix_tf.defences.registry import register


@register
@dataclasses.dataclass(frozen=True)
class Edge(Defence):
    """All on the edge: nothing is sent."""

    id = "edge"
    sends_nothing = True
    leakage = 0.0

    @property
    def label(self) -> str:
        return "all on the edge"

    @property
    def trained_as(self) -> Defence:
        return Cloud()

    def costs(self, model: Any, spec: NetworkSpec) -> Costs:
        return on_the_edge(model)


@register
@dataclasses.dataclass(frozen=True)
class Cloud(Defence):
    """All in the cloud: raw inputs are sent."""

    id = "cloud"
    leakage = 1.0

    @property
    def label(self) -> str:
        return "all in the cloud"

    @property
    def model_name(self) -> str:
        return "plain"

    def build(self, spec: NetworkSpec) -> Any:
        return spec.network()


def on_the_edge(model: Any) -> Costs:
    """The costs of a network that runs on the edge as a whole."""
    whole = cost_of(model)
    return Costs(whole["params"], whole["macs"], 0, 0)
