"""Private split inference in Keras: mix on the edge, compute in the cloud, de-mix on the edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datamix_tf.lazy import lazily
from datamix_tf.registration import register_with_keras

if TYPE_CHECKING:
    from datamix_tf.datamix_model import DataMixModel
    from datamix_tf.split import possible_cuts, split
    from datamix_tf.training.curriculum import MixingCurriculum

__all__ = ["DataMixModel", "MixingCurriculum", "possible_cuts", "split"]
__getattr__, __dir__ = lazily(
    __name__,
    {
        "__version__": "datamix_tf.version",
        "DataMixModel": "datamix_tf.datamix_model",
        "MixingCurriculum": "datamix_tf.training.curriculum",
        "possible_cuts": "datamix_tf.split",
        "split": "datamix_tf.split",
    },
)

register_with_keras()
