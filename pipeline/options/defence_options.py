"""Flags that the defences declare: which there are, and what tells the variants of each apart."""

from __future__ import annotations

import dataclasses
import functools
import typing
from typing import Any

from components.errors import InputError
from datamix_tf.defences import all_defences, flags_of
from datamix_tf.settings import KEY, setting
from pipeline.options.plugin_options import PluginOptions


@dataclasses.dataclass(frozen=True, kw_only=True)
class DefenceOptions(PluginOptions):
    """Which methods are compared; the flags of their variants are added by `with_flags`."""

    GROUP = "models"

    methods: tuple[str, ...] = setting(("edge", "cloud", "datamix"), "which methods to compare, with commas")


def with_flags(options: type) -> type:
    """A dataclass of options with the methods that there are in its help, and the flags of their variants."""
    return _with_flags(options, tuple(all_defences().items()))


@functools.cache
def _with_flags(options, defences):
    kinds = dict(defences)
    methods = next(field for field in dataclasses.fields(options) if field.name == "methods")
    told = dataclasses.replace(methods.metadata[KEY], help=f"which of {', '.join(kinds)} to compare, with commas")
    made: dict[str, tuple[str, Any, Any]] = {
        "methods": ("methods", tuple[str, ...], dataclasses.field(default=methods.default, metadata={KEY: told}))
    }
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
    """Refuses methods that there are not, or of which none can be packaged. Raises InputError."""
    kinds, typed = all_defences(), ",".join(options.methods) or repr("")
    if not set(options.methods) <= set(kinds):
        raise InputError(f"--methods must be of {', '.join(kinds)}; received {typed}")
    mixing = [name for name, kind in kinds.items() if kind.mixes]
    if not set(mixing) & set(options.methods):
        raise InputError(
            f"--methods must include one that mixes and is packaged ({', '.join(mixing)}); received {typed}"
        )


def _field(kind, name, default):
    """Type and field of the flag that chooses a setting of a defence."""
    (found,) = (field for field in dataclasses.fields(kind) if field.name == name)
    value = typing.get_type_hints(kind)[name]
    several = tuple[value, ...] if isinstance(default, tuple) else value
    return several, dataclasses.field(default=default, metadata={KEY: found.metadata[KEY]})
