"""One version of a model in memory."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from serving.cloud.saved_model import SERVING_DEFAULT, WARMUP_FILE
from serving.protocol.errors import ServingError

SAVED_MODEL = "saved_model.pb"
_MAX_WARM_UP_REQUESTS = 1000


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function of a SavedModel, with its inputs and outputs as `tf.TensorSpec` by name."""

    name: str
    function: Any
    inputs: dict[str, tf.TensorSpec]
    outputs: dict[str, tf.TensorSpec]

    @property
    def batchable(self) -> bool:
        """True if all inputs and outputs share a free 0-th dimension."""
        specs = [*self.inputs.values(), *self.outputs.values()]
        return all(spec.shape.rank and spec.shape[0] is None for spec in specs)

    def check_names(self, names: Iterable[str]) -> None:
        """Raises `ServingError` 400 if these are not the names of the signature's inputs."""
        if set(names) != set(self.inputs):
            raise ServingError(
                400, f"signature {self.name!r} takes the inputs {sorted(self.inputs)}, received {sorted(names)[:20]}"
            )

    def check(self, arrays: dict[str, np.ndarray]) -> None:
        """Raises `ServingError` 400 if the arrays are not what the signature takes."""
        self.check_names(arrays)
        for name, spec in self.inputs.items():
            if not spec.shape.is_compatible_with(arrays[name].shape):
                raise ServingError(
                    400, f"input {name!r} must have shape {spec.shape}, received {tuple(arrays[name].shape)}"
                )
        rows = {array.shape[0] for array in arrays.values()} if self.batchable else {1}
        if rows == {0}:
            raise ServingError(400, "the request has no rows")
        if len(rows) > 1:
            raise ServingError(400, f"inputs must have equal 0-th dimensions, received {sorted(rows)}")


class Servable:
    """A loaded SavedModel.

    Args:
        name: Name of the model.
        version: Its version.
        folder: The version's folder.

    Raises:
        OSError, ValueError, tf.errors.OpError: If the folder holds no readable SavedModel.
    """

    def __init__(self, name: str, version: int, folder: str) -> None:
        self.name, self.version = name, version
        # A signature needs the object that it came from.
        self._loaded = tf.saved_model.load(folder)
        self.signatures = {key: _signature(key, function) for key, function in self._loaded.signatures.items()}
        with open(os.path.join(folder, SAVED_MODEL), "rb") as file:
            graph = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0]
        self.signature_defs = dict(graph.signature_def)
        self._warm_up(os.path.join(folder, WARMUP_FILE))

    def signature(self, name: str = "") -> Signature:
        """The signature of that name, by default `serving_default`; `ServingError` 400 if there is none."""
        name = name or SERVING_DEFAULT
        if name not in self.signatures:
            raise ServingError(400, f'Serving signature name: "{name}" not found in signature def')
        return self.signatures[name]

    def predict(self, signature: Signature, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature.

        Raises:
            ServingError: 400 if the graph refuses the values.
        """
        try:
            tensors = {
                name: tf.constant(array, signature.inputs[name].dtype, array.shape) for name, array in arrays.items()
            }
            outputs = {name: value.numpy() for name, value in signature.function(**tensors).items()}
        except (tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError) as error:
            raise ServingError(400, f"the model refused the request: {error.message}") from error
        # A scalar string comes as bytes.
        return {name: np.array(value, object) if isinstance(value, bytes) else value for name, value in outputs.items()}

    def _warm_up(self, path: str) -> None:
        if not os.path.exists(path):
            return
        from tensorflow_serving.apis import prediction_log_pb2

        for record in tf.data.TFRecordDataset(path).take(_MAX_WARM_UP_REQUESTS):
            request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
            arrays = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
            self.predict(self.signature(request.model_spec.signature_name), arrays)


def _signature(name: str, function: Any) -> Signature:
    inputs = {key: tf.TensorSpec.from_spec(spec) for key, spec in function.structured_input_signature[1].items()}
    outputs = {key: tf.TensorSpec.from_spec(spec) for key, spec in function.structured_outputs.items()}
    return Signature(name, function, inputs, outputs)
