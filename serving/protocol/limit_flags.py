"""The limits of a server as flags, the same for all servers."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from serving.protocol.limits import Limits

_HELP = {
    "max_body_bytes": "largest request, before and after decompression",
    "max_inflight_bytes": "bytes of all requests under way; beyond: 429",
    "max_connections": "open connections; beyond: 503",
    "read_seconds": "time in which headers, and then the body, must arrive",
}


def add_limits(add: Any) -> None:
    """Adds a flag for each of `Limits`.

    Args:
        add: `add_argument` of a parser or of one of its groups.
    """
    for field in dataclasses.fields(Limits):
        add(f"--{field.name}", type=type(field.default), default=field.default, help=_HELP[field.name])


def limits_of(arguments: argparse.Namespace) -> Limits:
    """The limits that a command line names.

    Raises:
        ValueError: If one is not above 0.
    """
    values = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(Limits)}
    for name, value in values.items():
        if not value > 0:  # NaN is not
            raise ValueError(f"--{name} must be above 0; received {value}")
    return Limits(**values)
