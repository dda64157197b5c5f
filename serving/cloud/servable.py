"""One version of a model in memory."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from serving.cloud import warm_up
from serving.cloud.saved_model import SERVING_DEFAULT
from serving.protocol.errors import ServingError

SAVED_MODEL = "saved_model.pb"
_SHOWN_NAMES = 20
#: What a graph says of values that it cannot take, and its HTTP status.
_REFUSALS = {
    tf.errors.InvalidArgumentError: 400,
    tf.errors.OutOfRangeError: 400,
    tf.errors.FailedPreconditionError: 400,
    tf.errors.UnimplementedError: 501,
}


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
        given, wanted = set(names), set(self.inputs)
        if given != wanted:
            extra, missing = (",".join(sorted(some)[:_SHOWN_NAMES]) for some in (given - wanted, wanted - given))
            raise ServingError(
                400,
                f"input size does not match signature: {len(given)} inputs for {len(wanted)} of {self.name!r}. "
                f"Sent extra: {{{extra}}}. Missing but required: {{{missing}}}.",
            )

    def misfit(self, arrays: dict[str, np.ndarray]) -> str:
        """What of the arrays has not the shape that the signature names; empty if all have it.

        As in TensorFlow Serving it is the graph that refuses such a shape, if it does.
        """
        for name, spec in self.inputs.items():
            if not spec.shape.is_compatible_with(arrays[name].shape):
                return f"input {name!r} must have shape {spec.shape}, received {tuple(arrays[name].shape)}"
        return ""

    def rows(self, arrays: dict[str, np.ndarray]) -> int:
        """How many rows the arrays have that can share a batch with others' rows; 0 if they cannot."""
        if not self.batchable or self.misfit(arrays):
            return 0
        counts = {len(array) for array in arrays.values()}
        return counts.pop() if len(counts) == 1 else 0


class Servable:
    """A loaded SavedModel, warmed up.

    Args:
        name: Name of the model.
        version: Its version.
        folder: The version's folder.

    Raises:
        OSError, ValueError, tf.errors.OpError: If the folder holds no readable SavedModel.
        ServingError: If it refuses its warm-up requests.
    """

    def __init__(self, name: str, version: int, folder: str) -> None:
        self.name, self.version = name, version
        # A signature needs the object that it came from.
        self._loaded = tf.saved_model.load(folder)
        self.signatures = {key: _signature(key, function) for key, function in self._loaded.signatures.items()}
        with open(os.path.join(folder, SAVED_MODEL), "rb") as file:
            graph = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0]
        self.signature_defs = dict(graph.signature_def)
        warm_up.run(self, folder)

    def signature(self, name: str = "") -> Signature:
        """The signature of that name, by default `serving_default`; `ServingError` 400 if there is none."""
        name = name or SERVING_DEFAULT
        if name not in self.signatures:
            raise ServingError(400, f'Serving signature name: "{name}" not found in signature def')
        return self.signatures[name]

    def predict(self, signature: Signature, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature: One of this model's.
            arrays: Its inputs by name, of its dtypes; of whatever shapes, as the graph takes them.

        Raises:
            ServingError: 400 or 501 if the graph refuses the values.
        """
        function = signature.function
        try:
            tensors = [tf.constant(arrays[name], spec.dtype) for name, spec in sorted(signature.inputs.items())]
            # The function itself would refuse shapes that are not its specification's before the graph sees them.
            flat = tf.raw_ops.StatefulPartitionedCall(
                args=[*tensors, *function.captured_inputs],
                Tout=[output.dtype for output in function.outputs],
                f=function,
            )
        except tuple(_REFUSALS) as error:
            why = signature.misfit(arrays)
            raise ServingError(
                _REFUSALS[type(error)], f"{why + ': ' if why else ''}the model refused the request: {error.message}"
            ) from error
        outputs = {
            name: value.numpy() for name, value in tf.nest.pack_sequence_as(function.structured_outputs, flat).items()
        }
        # A scalar string comes as bytes.
        return {name: np.array(value, object) if isinstance(value, bytes) else value for name, value in outputs.items()}


def _signature(name: str, function: Any) -> Signature:
    inputs = {key: tf.TensorSpec.from_spec(spec) for key, spec in function.structured_input_signature[1].items()}
    outputs = {key: tf.TensorSpec.from_spec(spec) for key, spec in function.structured_outputs.items()}
    return Signature(name, function, inputs, outputs)
