"""Flags that the defences declare: which there are, and what tells the variants of each apart."""

from __future__ import annotations

import dataclasses
import functools
import typing
from typing import Any

from components.errors import InputError
from datamix_tf.defences import all_defences, flags_of
from datamix_tf.settings import KEY, registered, setting
from pipeline.options.plugin_options import PluginOptions


@dataclasses.dataclass(frozen=True, kw_only=True)
class DefenceOptions(PluginOptions):
    """Which methods are compared; the flags of their variants are added by `with_flags`."""

    GROUP = "models"

    methods: tuple[str, ...] = setting(
        ("edge", "cloud", "datamix", "linear_cloud", "edge_head"),
        "which methods to compare, with commas",
        **registered(all_defences),
    )


def with_flags(options: type) -> type:
    """A dataclass of options with the flags of the variants of all defences that there are."""
    return _with_flags(options, tuple(all_defences().items()))


@functools.cache
def _with_flags(options, defences):
    kinds = dict(defences)
    made: dict[str, tuple[str, Any, Any]] = {}
    for kind in kinds.values():
        for name, flag in flags_of(kind).items():
            made.setdefault(flag.name, (flag.name, *_field(kind, name, flag.default)))
    return dataclasses.make_dataclass(
        options.__name__,
        made.values(),
        bases=(options,),
        namespace={"GROUP": DefenceOptions.GROUP, "__doc__": options.__doc__, "__module__": options.__module__},
        frozen=True,
        kw_only=True,
    )


def check_methods(options: Any) -> None:
    """Refuses methods of which none can be packaged. Raises InputError."""
    mixing = [name for name, kind in all_defences().items() if kind.mixes]
    if not set(mixing) & set(options.methods):
        raise InputError(
            f"--methods must include one that mixes and is packaged ({', '.join(mixing)}); received "
            f"{','.join(options.methods) or repr('')}"
        )


def _field(kind, name, default):
    """Type and field of the flag that chooses a setting of a defence."""
    (found,) = (field for field in dataclasses.fields(kind) if field.name == name)
    value: Any = typing.get_type_hints(kind)[name]
    several = tuple[value, ...] if isinstance(default, tuple) else value
    return several, dataclasses.field(default=default, metadata={KEY: found.metadata[KEY]})
