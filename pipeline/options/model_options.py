"""Which methods are compared, on which network."""

from __future__ import annotations

import dataclasses

from components.errors import InputError
from datamix_tf.settings import at_least, setting

#: Our methods, for the help; which there are, those of other packages too, is known once TensorFlow is imported.
OURS = (
    *("edge", "cloud", "edge_half", "noise", "blur", "anonymizer", "mixup"),
    *("obfuscation", "datamix", "obfuscated_datamix", "bottleneck"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Which methods, and the network that all of them share."""

    GROUP = "models"

    methods: tuple[str, ...] = setting(
        ("edge", "cloud", "datamix"), f"which of {', '.join(OURS)} to compare, with commas"
    )
    hidden_units: int = setting(256, "units of a hidden layer in M_post; the papers have none: 0", **at_least(0))
    width: int = setting(64, "filters of the ResNet stem; 64 is ResNet-18", **at_least(1))


def check_methods(options: ModelOptions) -> None:
    """Refuses methods that there are not, or of which none can be packaged. Raises InputError."""
    from datamix_tf.defences import all_defences

    kinds, typed = all_defences(), ",".join(options.methods) or repr("")
    if not set(options.methods) <= set(kinds):
        raise InputError(f"--methods must be of {', '.join(kinds)}; received {typed}")
    mixing = [name for name, kind in kinds.items() if kind.mixes]
    if not set(mixing) & set(options.methods):
        raise InputError(
            f"--methods must include one that mixes and is packaged ({', '.join(mixing)}); received {typed}"
        )
