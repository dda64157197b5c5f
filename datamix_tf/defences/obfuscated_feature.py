"""Defences that change the feature at the cut, in a network that was trained without them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from datamix_tf.costs import cost_of
from datamix_tf.defences.base import Costs, Defence, NetworkSpec
from datamix_tf.defences.plain import Cloud
from datamix_tf.defences.stages import Stage
from datamix_tf.typing import Array, Examples

#: N_pre behind which the cloud's ResNet starts with strides: no shortcut then shows it all of the feature.
STRIDED = 3


@dataclasses.dataclass(frozen=True)
class ObfuscatedFeature(Defence):
    """The base of those: an `Obfuscation` layer is put at the cut, and the cloud's part may get used to it.

    Reference: Samragh et al., Unsupervised Information Obfuscation (2021), section 5.2.
    """

    num_pre_blocks: int = STRIDED

    @property
    def model_name(self) -> str:
        level = "-".join(f"{value:g}" for name, value in self.settings.items() if name != "num_pre_blocks")
        return f"{self.id}-pre{self.num_pre_blocks}" + (f"-{level}" if level else "")

    @property
    def starts_from(self) -> Defence | None:
        return Cloud()

    def layers(self, spec: NetworkSpec, features: Callable[[], Array]) -> tuple[Any, ...]:
        """New layers at the cut, the last of which is an `Obfuscation`.

        Args:
            spec: What the network is built for.
            features: Gives the features of the validation examples at the cut.
        """
        from datamix_tf.layers import Sent

        return (Sent(name="sent"),)

    def obfuscated(self, network: Any, spec: NetworkSpec, valid: Callable[[], Examples]) -> Any:
        """A network with the layers at the cut; the `Change` of a `Stage`."""
        cut = spec.pre_layer(self.num_pre_blocks)
        return with_layers(network, cut, self.layers(spec, lambda: features_of(network, cut, valid()[0])))

    def stages(self, epochs: int, fine_tune_epochs: int) -> tuple[Stage, ...]:
        return (Stage(fine_tune_epochs, self.obfuscated, frozen=edge_layers),)

    def costs(self, model: Any, spec: NetworkSpec) -> Costs:
        import keras

        from datamix_tf.transmission import obfuscation_of

        layer: Any = obfuscation_of(model)
        edge = cost_of(keras.Model(model.inputs[0], layer.output))
        return Costs(edge["params"], edge["macs"], edge["output_bytes"], cost_of(model)["output_bytes"])


def with_layers(network: Any, name: str, layers: tuple[Any, ...]) -> Any:
    """A functional model like a network, with layers behind the layer of that name; weights are shared."""
    import keras

    from datamix_tf.graph import run_on

    tensor = x = network.get_layer(name).output
    for layer in layers:
        x = layer(x)
    return keras.Model(network.inputs[0], run_on(keras.Model(tensor, network.outputs[0]), x))


def features_of(network: Any, name: str, x: Array) -> Array:
    """What the layer of that name makes of inputs, as an array."""
    import keras

    return keras.Model(network.inputs[0], network.get_layer(name).output).predict(x, batch_size=64, verbose=0)


def edge_layers(model: Any) -> list[Any]:
    """The layers in front of the `Obfuscation`."""
    import keras

    from datamix_tf.transmission import obfuscation_of

    layer: Any = obfuscation_of(model)
    return keras.Model(model.inputs[0], layer.input).layers
