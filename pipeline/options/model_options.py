"""Which methods are compared, on which network."""

from __future__ import annotations

import dataclasses

from components.errors import InputError
from components.training.methods import METHODS
from datamix_settings import at_least, setting

#: Methods whose models can be packaged.
PACKAGED = ("datamix", "bottleneck")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Which methods, and the network that all of them share."""

    GROUP = "models"

    methods: tuple[str, ...] = setting(
        ("edge", "cloud", "datamix"), f"which of {', '.join(METHODS)} to compare, with commas", choices=METHODS
    )
    hidden_units: int = setting(256, "units of a hidden layer in M_post; the papers have none: 0", **at_least(0))
    width: int = setting(64, "filters of the ResNet stem; 64 is ResNet-18", **at_least(1))


def check_packaged(options: ModelOptions) -> None:
    """Refuses methods of which none can be packaged. Raises InputError."""
    if not set(PACKAGED) & set(options.methods):
        raise InputError(
            f"--methods must include {' or '.join(PACKAGED)}, of which one is packaged; received "
            f"{','.join(options.methods) or repr('')}"
        )
