"""Modules of a user's own that a command imports first: they register defences."""

from __future__ import annotations

import dataclasses
import os
import sys

from components.errors import InputError
from datamix_tf.defences import load_plugin
from datamix_tf.settings import setting

PLUGIN = "plugin"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PluginOptions:
    """What is imported first."""

    GROUP = "plugins"

    plugin: tuple[str, ...] = setting(
        (), "modules of your own that are imported first, with commas, such as one that registers a defence"
    )


def load_plugins(argv: list[str] | None) -> None:
    """Imports the modules that `--plugin` names on a command line, before its flags are known.

    Raises:
        InputError: If one cannot be imported.
    """
    argv = sys.argv[1:] if argv is None else argv
    for place, argument in enumerate(argv):
        name, sign, value = argument.partition("=")
        if name == f"--{PLUGIN}":
            for module in (value if sign else "".join(argv[place + 1 : place + 2])).split(","):
                _load(module)


def _load(module):
    if os.getcwd() not in sys.path:  # a console script does not look into the working folder
        sys.path.insert(0, os.getcwd())
    try:
        load_plugin(module)
    except ImportError as error:
        raise InputError(f"--{PLUGIN} must be of modules that can be imported; {module!r}: {error}") from None
