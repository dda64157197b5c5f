"""Registers layers and models with Keras as soon as Keras is imported, and does not import it: that takes seconds.

Keras finds the classes of a saved model by their registered names, whoever imported `datamix_tf` first. Where a module
of ours is what imports Keras, it is executed to its end before the others are registered: they may need its names.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Sequence

#: What registers them, by being imported.
MODULES = ("datamix_tf.layers", "datamix_tf.datamix_model", "datamix_tf.mixup_model")


def register_with_keras() -> None:
    """Registers them now if Keras is there, else when it is imported."""
    if "keras" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _register() -> None:
    for name in MODULES:
        importlib.import_module(name)


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Finds Keras and our modules as others would, and registers once Keras is there and none of ours is half executed.

    Attributes:
        executing: Our modules that are being executed, each imported by the one before.
        keras_is_there: Whether Keras was executed.
    """

    def __init__(self) -> None:
        self.executing = 0
        self.keras_is_there = False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "keras" and not name.startswith("datamix_tf."):
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        spec = next((found for finder in others if (found := finder.find_spec(name, path, target))), None)
        if spec is not None and spec.loader is not None:
            execute, ours = spec.loader.exec_module, name != "keras"

            def exec_module(module: types.ModuleType) -> None:
                self.executing += ours
                try:
                    execute(module)
                    self.keras_is_there |= not ours
                finally:
                    self.executing -= ours
                if self.keras_is_there and not self.executing and self in sys.meta_path:
                    sys.meta_path.remove(self)
                    _register()

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
