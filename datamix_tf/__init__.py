"""Private split inference in Keras: mix on the edge, compute in the cloud, de-mix on the edge."""

try:
    from datamix_tf.datamix_model import DataMixModel
    from datamix_tf.split import possible_cuts, split
    from datamix_tf.training.curriculum import MixingCurriculum
except ModuleNotFoundError as error:
    if error.name not in ("keras", "tensorflow"):
        raise
    raise ModuleNotFoundError(
        f"datamix_tf needs Keras 3 on TensorFlow, but {error.name!r} is not installed: "
        "pip install 'datamix-tf[tensorflow]'. (The edge client, serving.edge, needs neither.)",
        name=error.name,
    ) from error

__version__ = "0.1.0"
__all__ = ["DataMixModel", "MixingCurriculum", "possible_cuts", "split"]
