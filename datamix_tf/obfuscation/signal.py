"""What the first linear layers of a server see of the features that they receive, and hiding all else from it.

A server that starts with `W z` learns nothing of `z` from its own computation but `W z`. The right singular vectors of
W are a basis in which that is a matter of leaving coefficients out: those of singular value zero (the null content)
change nothing, those of small singular values little.

Reference: Samragh et al., Unsupervised Information Obfuscation for Split Inference of Neural Networks (2021).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from datamix_tf.graph import calls, run_on
from datamix_tf.layers.signal_content import OnFields, SignalContent, SignalRebuild
from datamix_tf.typing import Array, Padding, Tensor

#: Most numbers of a map whose convolution is taken as one matrix: its decomposition takes a minute or two.
MAX_EXACT = 5000
LARGE = 1000
SKIPPED = (keras.layers.ZeroPadding2D, keras.layers.Flatten, keras.layers.Dropout, keras.layers.InputLayer)


@dataclasses.dataclass(frozen=True)
class Path:
    """One way from the received tensor to a linear layer.

    Attributes:
        layer: The linear layer.
        padding: Zeros around the map in front of it: `((top, bottom), (left, right))`.
        places: Rows and columns of its output; empty for a dense layer.
    """

    layer: keras.layers.Layer
    padding: tuple[tuple[int, int], tuple[int, int]]
    places: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Front:
    """The linear layers that a server applies to what it receives, as one matrix.

    Attributes:
        feature_shape: Shape of what it receives, without the batch.
        paths: The `Path`s to all of them.
        size, strides, padding: The receptive field that covers them all; `size` is `None` for dense layers, and for
            convolutions that are taken over the whole map (`exact`).
    """

    feature_shape: tuple[int, ...]
    paths: tuple[Path, ...]
    size: tuple[int, int] | None
    strides: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """The linear layers at the ends of the paths."""
        return [path.layer for path in self.paths]

    def offset(self, path: Path) -> tuple[int, int]:
        """Where a path's kernel lies in the receptive field."""
        (top, _), (left, _) = self.padding
        return top - path.padding[0][0], left - path.padding[1][0]

    def matrix(self) -> Array:
        """W, float64 `[m, n]`, from the layers' present kernels: n numbers of a field to m outputs."""
        if self.size is None and any(isinstance(path.layer, keras.layers.Conv2D) for path in self.paths):
            return _whole_map(self)
        kernels = [_array(path.layer.kernel) for path in self.paths]
        if self.size is None:
            return np.concatenate([kernel.T for kernel in kernels])
        rows = []
        for path, kernel in zip(self.paths, kernels, strict=True):
            whole = np.zeros((*self.size, *kernel.shape[2:]))
            (top, left), (height, width) = self.offset(path), kernel.shape[:2]
            whole[top : top + height, left : left + width] = kernel
            rows.append(whole.reshape(-1, kernel.shape[-1]).T)
        return np.concatenate(rows)

    def decompose(self) -> tuple[Array, Array]:
        """The signal basis: right singular vectors `[n, r]` and singular values `[r]`, falling; r is the rank of W."""
        matrix = self.matrix()
        if len(matrix) > LARGE:  # by its Gram matrix: as exact as float32 weights ask for, and ten times faster
            squares, vectors = np.linalg.eigh(matrix.T @ matrix)
            values, basis = np.sqrt(np.maximum(squares[::-1], 0)), vectors[:, ::-1]
        else:
            _, values, vectors = np.linalg.svd(matrix, full_matrices=False)
            basis = vectors.T
        rank = max(1, int((values > values[0] * max(matrix.shape) * np.finfo(np.float32).eps).sum()))
        return basis[:, :rank], values[:rank]


def front_of(server: keras.Model, exact: bool = False) -> Front:
    """The linear layers that a server applies to what it receives.

    Args:
        server: A functional model, from the received tensor on. Zero padding, flattening and dropout may come first;
            several layers may use the tensor (a residual block's convolution and its shortcut's).
        exact: Takes convolutions as one matrix over the whole map instead of over the receptive field.

    Raises:
        ValueError: If something else uses the received tensor (an identity shortcut shows all of it), the layers do not
            have the same strides and outputs, or the map is too large for `exact`.
    """
    shape = tuple(server.inputs[0].shape[1:])
    paths = tuple(_paths(server, server.inputs[0], ((0, 0), (0, 0))))
    if not paths:
        raise ValueError(f"No layer of {server.name!r} uses what it receives.")
    if not any(isinstance(path.layer, keras.layers.Conv2D) for path in paths):
        return Front(shape, paths, None, (1, 1), ((0, 0), (0, 0)))
    if not all(isinstance(path.layer, keras.layers.Conv2D) for path in paths):
        raise ValueError(
            f"{server.name!r} starts with a convolution and a dense layer side by side; expected one kind."
        )
    strides = {tuple(path.layer.strides) for path in paths}
    places = {path.places for path in paths}
    if len(strides) > 1 or len(places) > 1:
        raise ValueError(f"The first layers of {server.name!r} differ in strides {strides} or output sizes {places}.")
    if exact:
        if math.prod(shape) > MAX_EXACT:
            raise ValueError(
                f"A map of {math.prod(shape)} numbers {shape} is too large to decompose as a whole (at most "
                f"{MAX_EXACT}); use the receptive field, exact=False."
            )
        return Front(shape, paths, None, (1, 1), ((0, 0), (0, 0)))
    padding: Any = tuple(tuple(max(path.padding[axis][side] for path in paths) for side in (0, 1)) for axis in (0, 1))
    size: Any = tuple(
        max(padding[axis][0] - path.padding[axis][0] + path.layer.kernel.shape[axis] for path in paths)
        for axis in (0, 1)
    )
    # A kernel in the middle of a larger field: the field must not go beyond the padded map.
    (step,), (out,) = strides, places
    padding = tuple(
        (padding[axis][0], max(0, (out[axis] - 1) * step[axis] + size[axis] - shape[axis] - padding[axis][0]))
        for axis in (0, 1)
    )
    return Front(shape, paths, size, step, padding)


def obfuscate(
    network: keras.Model,
    sent: Tensor,
    rank: int | None = None,
    *,
    exact: bool = False,
    distortion: float = 0.0,
    name: str = "obfuscated",
) -> tuple[keras.Model, Front]:
    """A network in which the edge sends the signal content of its features and no more.

    Args:
        network: A functional model; its layers and weights are used, not copied.
        sent: The symbolic tensor in it that would be sent.
        rank: Coefficients kept at each place, m'; `None` keeps all that the server's first layers see (distortion-free
            obfuscation).
        exact: Whether a convolution is taken over its whole map instead of over its receptive field.
        distortion: Budget of the distortion-bounded solution, see `SignalContent`; takes `rank=None`.
        name: Name of the model.

    Returns:
        `(model, front)`: a functional model with a `SignalContent` layer, where `datamix_tf.transmission` cuts it, and
        the `Front`, with which `refresh` sets the basis again after the weights have changed.

    Raises:
        ValueError: If the server does not start with linear layers (see `front_of`), or both a rank and a distortion
            are given.
    """
    content, server, front = halves(keras.Model(sent, network.outputs[0]), rank, exact=exact, distortion=distortion)
    outputs = run_on(server, content(sent))
    return keras.Model(network.inputs[0], outputs, name=name), front


def halves(
    server: keras.Model, rank: int | None = None, *, exact: bool = False, distortion: float = 0.0
) -> tuple[SignalContent, keras.Model, Front]:
    """The two halves that take the place of sending all of a feature.

    Args:
        server: A functional model from the sent feature on; its layers and weights are used, not copied.
        rank: As for `obfuscate`.
        exact: As for `obfuscate`.
        distortion: As for `obfuscate`.

    Returns:
        `(content, server, front)`: the edge's `SignalContent`, the server from its coefficients on, and the `Front`.

    Raises:
        ValueError: As `obfuscate`.
    """
    if rank is not None and distortion:
        raise ValueError("`distortion` decides how many coefficients are kept; leave `rank` out.")
    front = front_of(server, exact)
    basis, _ = front.decompose()
    rank = basis.shape[1] if rank is None else rank
    if rank > basis.shape[1]:
        raise ValueError(f"`rank` must be at most {basis.shape[1]}, the rank of the server's first layer: got {rank}")
    where: dict[str, Any] = {"feature_shape": front.feature_shape, "rank": rank, "size": front.size}
    where |= {"strides": front.strides, "padding": front.padding}
    content = SignalContent(**where, distortion=distortion, name="signal_content")
    rebuild = SignalRebuild(**where, name="signal_rebuild")
    refresh(content, rebuild, front)
    coefficients = keras.Input((*content.places, rank), name="coefficients")
    outputs = run_on(server, rebuild(coefficients), None if front.size is None else _calls_on_fields(front, front.size))
    return content, keras.Model(coefficients, outputs, name=server.name), front


def refresh(content: SignalContent, rebuild: SignalRebuild, front: Front) -> None:
    """Sets the basis of both halves from the present weights of the server's first layers."""
    basis, values = front.decompose()
    kept = np.zeros(content.basis.shape)
    kept[:, : basis.shape[1]] = basis[:, : content.rank]
    content.basis.assign(kept)
    rebuild.basis.assign(kept)
    content.singular_values.assign(np.resize(values, content.rank) * (np.arange(content.rank) < len(values)))


def preserved_content(features: Array, basis: Array) -> float:
    """How much of features the next layer sees: mean of `log(|z_S|^2 / |z|^2)`, at most 0 (section 5.2, C_S).

    Args:
        features: `[n, values]`, or `[n, fields, values]`: the norms are then over all fields of an example.
        basis: Signal basis `[values, r]`.
    """
    features = np.asarray(features, np.float64).reshape(len(features), -1, basis.shape[0])
    total = (features**2).sum((1, 2))
    signal = ((features @ basis) ** 2).sum((1, 2))
    there = total > 0
    return float(np.log(np.maximum(signal[there], 1e-300) / total[there]).mean())


def fields_of(front: Front, features: Array) -> Array:
    """The fields of features, `[n, values]`: every receptive field of every example, or the flattened features."""
    if front.size is None:
        return np.asarray(features).reshape(len(features), -1)
    rows, columns = front.padding
    padded = np.pad(np.asarray(features), ((0, 0), rows, columns, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, front.size, axis=(1, 2))
    windows = windows[:, :: front.strides[0], :: front.strides[1]].transpose(0, 1, 2, 4, 5, 3)
    return windows.reshape(-1, math.prod(windows.shape[3:]))


def _calls_on_fields(front: Front, size: tuple[int, int]) -> Callable[..., Tensor]:
    """Runs the front's layers on fields of a size, passes over what pads the map before them."""
    paths = {id(path.layer): path for path in front.paths}
    fields = (*front.paths[0].places, math.prod(size) * front.feature_shape[-1])

    def call(layer: keras.layers.Layer, *arguments: Any, **options: Any) -> Tensor:
        if id(layer) in paths:
            path = paths[id(layer)]
            return OnFields(layer, size, front.offset(path), name=f"{layer.name}_on_fields")(*arguments)
        if isinstance(layer, SKIPPED) and tuple(arguments[0].shape[1:]) == fields:
            return arguments[0]
        return layer(*arguments, **options)

    return call


def _paths(server: keras.Model, tensor: Tensor, padding: Padding) -> Iterator[Path]:
    for node in calls(server):
        if not any(used is tensor for used in node.input_tensors):
            continue
        layer = node.operation
        if isinstance(layer, keras.layers.ZeroPadding2D):
            grown: Any = tuple(tuple(padding[a][s] + layer.padding[a][s] for s in (0, 1)) for a in (0, 1))
            yield from _paths(server, node.outputs[0], grown)
        elif isinstance(layer, SKIPPED):
            yield from _paths(server, node.outputs[0], padding)
        elif type(layer) is keras.layers.Dense and len(tensor.shape) == 2:
            yield Path(layer, padding)
        elif type(layer) is keras.layers.Conv2D and layer.groups == 1 and set(layer.dilation_rate) == {1}:
            yield Path(layer, _with_same_padding(layer, tensor, padding), tuple(node.outputs[0].shape[1:3]))
        else:
            raise ValueError(
                f"The server uses what it receives in {layer.name!r} ({type(layer).__name__}), and that shows it all "
                "of it, not a part. Cut where dense layers or convolutions alone follow (in a ResNet, in front of a "
                "block with strides)."
            )


def _with_same_padding(layer: keras.layers.Layer, tensor: Tensor, padding: Padding) -> Padding:
    if layer.padding != "same":
        return padding
    result = []
    for axis in (0, 1):
        length, step, size = tensor.shape[1 + axis], layer.strides[axis], layer.kernel.shape[axis]
        total = max((math.ceil(length / step) - 1) * step + size - length, 0)
        before, after = padding[axis]
        result.append((before + total // 2, after + total - total // 2))
    rows, columns = result
    return rows, columns


def _whole_map(front: Front) -> Array:
    """A convolution as a matrix, by its answers to unit maps."""
    values = math.prod(front.feature_shape)
    units = np.eye(values, dtype="float32").reshape(values, *front.feature_shape)
    columns = []
    for path in front.paths:
        (top, bottom), (left, right) = path.padding
        padded = np.pad(units, ((0, 0), (top, bottom), (left, right), (0, 0)))
        kernel = keras.ops.convert_to_tensor(path.layer.kernel)
        parts = [
            keras.ops.convert_to_numpy(
                keras.ops.conv(padded[i : i + 256], kernel, path.layer.strides, "valid", data_format="channels_last")
            ).reshape(len(padded[i : i + 256]), -1)
            for i in range(0, values, 256)
        ]
        columns.append(np.concatenate(parts))
    return np.concatenate(columns, axis=1).T.astype(np.float64)


def _array(variable: Tensor) -> Array:
    return keras.ops.convert_to_numpy(variable).astype(np.float64)
