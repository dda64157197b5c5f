"""Second-order separation: sources that are coloured or uneven differently are told apart by covariances alone.

Reference: Belouchrani et al., A blind source separation technique using second-order statistics (SOBI, 1997); Cardoso
and Souloumiac, Jacobi angles for simultaneous diagonalization (1996).
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from datamix_tf.typing import Array

BLOCKS = 4  # along each axis of a map
LAGS = 3  # places along each axis


def covariances(mixtures: Array) -> Array:
    """Covariances between a group's mixtures at lags and in blocks, `[count, S_G, S_G]`, each of trace 1.

    Args:
        mixtures: `[S_G, ..., channels]` maps or sequences, or `[S_G, numbers]`.
    """
    x = np.asarray(mixtures, np.float64)
    x = x[..., None] if x.ndim == 2 else x
    axes = range(1, x.ndim - 1)
    found = [_product(_part(x, lag, ahead=False), _part(x, lag, ahead=True)) for lag in _lags(len(axes))]
    for block in itertools.product(*[np.array_split(np.arange(x.shape[axis]), BLOCKS) for axis in axes]):
        inside: tuple[Any, ...] = (slice(None), *np.ix_(*block))
        part = x[inside]
        found.append(_product(part, part))
    found += [_product(x[..., channel], x[..., channel]) for channel in range(x.shape[-1])]
    symmetric = [(matrix + matrix.T) / 2 for matrix in found]
    return np.stack([matrix / max(np.abs(matrix).sum(), 1e-12) for matrix in symmetric])


def joint_diagonalizer(matrices: Array, sweeps: int = 50, tolerance: float = 1e-7) -> Array:
    """The orthogonal `W` that makes all `W C W^T` as diagonal as possible, by Jacobi rotations.

    Args:
        matrices: Symmetric matrices C, `[count, size, size]`.
        sweeps: Most passes over all pairs of rows.
        tolerance: Angle below which a pair counts as done, in radians.

    Returns:
        `[size, size]`.
    """
    matrices = np.array(matrices, np.float64)
    size = matrices.shape[1]
    found = np.eye(size)
    for _ in range(sweeps):
        largest = 0.0
        for p, q in itertools.combinations(range(size), 2):
            h = np.stack([matrices[:, p, p] - matrices[:, q, q], 2 * matrices[:, p, q]])
            (on, off), (_, across) = h @ h.T
            angle = 0.5 * np.arctan2(2 * off, on - across + np.hypot(on - across, 2 * off))
            largest = max(largest, abs(angle))
            if abs(angle) < tolerance:
                continue
            rotation = np.eye(size)
            rotation[[p, q, p, q], [p, q, q, p]] = [np.cos(angle), np.cos(angle), np.sin(angle), -np.sin(angle)]
            matrices, found = rotation @ matrices @ rotation.T, rotation @ found
        if largest < tolerance:
            break
    return found


def _lags(axes: int) -> list[tuple[int, ...]]:
    """Half of all lags of up to `LAGS` places, those that are no mirror image of another."""
    return [lag for lag in itertools.product(range(-LAGS, LAGS + 1), repeat=axes) if lag > (0,) * axes]


def _part(x: Array, lag: tuple[int, ...], ahead: bool) -> Array:
    """The places of a map that have a partner at a lag, or those partners."""
    cut = [slice(None)]
    for axis, places in enumerate(lag, 1):
        shift = places if ahead else -places
        cut.append(slice(max(0, shift), x.shape[axis] + min(0, shift)))
    return x[tuple(cut)]


def _product(first: Array, second: Array) -> Array:
    return first.reshape(len(first), -1) @ second.reshape(len(second), -1).T
