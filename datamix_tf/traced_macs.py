"""Multiply-adds of layers and operations of which nothing is known: those of the graph that they trace to.

Counted are matrix products and convolutions, as everywhere in `datamix_tf.costs`. A graph whose repetitions or insides
cannot be seen (loops, Python code, decompositions) is an error, never 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from datamix_tf.graph import function_of
from datamix_tf.typing import Node, Tensor

#: Kinds of TensorFlow's operations whose multiply-adds a graph does not show.
HIDDEN = re.compile(
    "^(Stateless)?(While|If|Case)$|PyFunc|Xla|MapDefun|Scan|FFT|Cholesky|Svd|Qr|Lu$|Eig|MatrixInverse|MatrixSolve|MatrixTriangular"
    "|MatrixExponential|MatrixSquareRoot|Rnn|RNN|LSTM|GRU|SparseMatMul|SparseTensorDense|Quantized|CudnnConv"
)


def traced_macs(call: Node) -> int:
    """Multiply-adds of one example through a call of a layer or operation.

    Args:
        call: The call (`datamix_tf.graph.calls`).

    Returns:
        The number of multiply-adds in its matrix products, einsums and convolutions, an int; 0 only if it has none.

    Raises:
        ValueError: If sizes are not known but for the batch's, or the graph does not show what is computed.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise _unknown(call, f"they are traced with TensorFlow, not {keras.backend.backend()}")
    import tensorflow as tf

    function, tensors = function_of(call)
    try:
        graph = tf.function(function).get_concrete_function(*(_spec(call, tensor) for tensor in tensors)).graph
    except ValueError:
        raise
    except Exception as error:  # whatever a layer of somebody's own raises
        raise _unknown(call, f"it cannot be traced: {str(error).strip().splitlines()[0]}") from error
    return _graph_macs(graph, call)


def _spec(call: Node, tensor: Tensor) -> Any:
    """A tensor of one example, whatever the place of the batch."""
    import tensorflow as tf

    if sum(size is None for size in tensor.shape) > 1:
        raise ValueError(
            f"Multiply-adds need known sizes, but {_name(call)} takes the shape {tuple(tensor.shape)}. Build the model "
            "with a full input shape."
        )
    return tf.TensorSpec([1 if size is None else size for size in tensor.shape], tensor.dtype)


def _graph_macs(graph: Any, call: Node) -> int:
    return sum(_operation_macs(operation, call) for operation in graph.get_operations())


def _operation_macs(operation: Any, call: Node) -> int:
    kind = operation.type
    if kind in ("PartitionedCall", "StatefulPartitionedCall"):
        name = operation.get_attr("f").name
        return _graph_macs(operation.graph._get_function(name).graph, call)
    if HIDDEN.search(kind):
        raise _unknown(call, f"its graph has {kind}, whose work it does not show")
    if kind not in COUNTED:
        return 0
    shapes = [tensor.shape.as_list() if tensor.shape.rank is not None else [None] for tensor in operation.inputs]
    shapes.append(operation.outputs[0].shape.as_list() if operation.outputs[0].shape.rank is not None else [None])
    try:
        return COUNTED[kind](operation, *shapes)
    except TypeError:  # a size is None
        raise _unknown(call, f"sizes of {kind} in its graph are not known") from None


def _product(operation: Any, left: list[int], right: list[int], out: list[int]) -> int:
    transposed = operation.get_attr("transpose_a" if operation.type == "MatMul" else "adj_x")
    return math.prod(out) * left[-2 if transposed else -1]


def _einsum(operation: Any, *shapes: list[int]) -> int:
    """A number for each combination of all letters; a single operand is summed or moved alone."""
    equation = operation.get_attr("equation").decode()
    operands = equation.partition("->")[0].split(",")
    if len(operands) == 1:
        return 0
    if "." in equation:
        raise TypeError(equation)
    sizes: dict[str, int] = {}
    for letters, shape in zip(operands, shapes, strict=False):
        for letter, size in zip(letters, shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    return math.prod(sizes.values())


def _convolution(operation: Any, received: list[int], kernel: list[int], out: list[int]) -> int:
    return math.prod(out) * math.prod(kernel[:-1])


def _in_depth(operation: Any, received: list[int], kernel: list[int], out: list[int]) -> int:
    return math.prod(out) * math.prod(kernel[:-2])


def _transposed(operation: Any, sizes: list[int], kernel: list[int], received: list[int], out: list[int]) -> int:
    return math.prod(received) * math.prod(kernel[:-1])


COUNTED: dict[str, Callable[..., int]] = {
    "MatMul": _product,
    "BatchMatMul": _product,
    "BatchMatMulV2": _product,
    "BatchMatMulV3": _product,
    "Einsum": _einsum,
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    "DepthwiseConv2dNative": _in_depth,
    "Conv2DBackpropInput": _transposed,
    "Conv3DBackpropInputV2": _transposed,
}


def _name(call: Node) -> str:
    return f"{type(call.operation).__name__} {call.operation.name!r}"


def _unknown(call: Node, why: str) -> ValueError:
    return ValueError(
        f"Multiply-adds of {_name(call)} are not known: {why}. Give the layer's class an attribute "
        "`macs_per_output_value`, or `model_inside` if it runs a model."
    )
