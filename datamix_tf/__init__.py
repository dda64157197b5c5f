"""Private split inference in Keras: mix on the edge, compute in the cloud, de-mix on the edge."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from datamix_tf.registration import register_with_keras

if TYPE_CHECKING:
    from datamix_tf.datamix_model import DataMixModel
    from datamix_tf.split import possible_cuts, split
    from datamix_tf.training.curriculum import MixingCurriculum

__version__ = "0.1.0"
__all__ = ["DataMixModel", "MixingCurriculum", "possible_cuts", "split"]
#: Where each name is. They are imported when they are used: commands explain themselves without Keras, which takes
#: seconds to import.
_MODULES = {
    "DataMixModel": "datamix_tf.datamix_model",
    "MixingCurriculum": "datamix_tf.training.curriculum",
    "possible_cuts": "datamix_tf.split",
    "split": "datamix_tf.split",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        found = getattr(importlib.import_module(_MODULES[name]), name)
    except ModuleNotFoundError as error:
        if error.name not in ("keras", "tensorflow"):
            raise
        raise ModuleNotFoundError(
            f"datamix_tf needs Keras 3 on TensorFlow, but {error.name!r} is not installed: "
            "pip install 'datamix-tf[tensorflow]'. (The edge client, serving.edge, needs neither.)",
            name=error.name,
        ) from error
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])


register_with_keras()
