"""Mixing and de-mixing of one group, by this process, and the question whether a bundle's files do the same."""

from __future__ import annotations

import numpy as np

from serving.edge.errors import BundleError
from serving.edge.keys import Key, random_normal, random_permutation
from serving.edge.litert import Signature

#: Largest difference of what should be equal, relative to the largest number. The key turns features as they are, up
#: to rounding; behind the de-mixing, halves of int8 round numbers that rounding moved by one step.
OF_MIXING, OF_DEMIXING = 1e-3, 0.1


def mixed(features: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Mixtures, float32 `[S_G, ...]`: row k is sum_i key[k, i] features[i]."""
    # einsum, not BLAS, which would leave copies of the key in its buffers; for so few rows it is as fast.
    return np.einsum("kn,n...->k...", key, features)


def demixed(answers: np.ndarray, key: np.ndarray, constant: np.ndarray | float = 0.0) -> np.ndarray:
    """Answers to the inputs, float32 `[S_G, ...]`: the transposed key, applied to what is not `constant` (`[...]`)."""
    return mixed(answers - constant, key.T) + constant


def check_mixing(
    folder: str,
    pre: Signature,
    post: Signature,
    inputs: tuple[int, ...],
    answers: tuple[int, ...],
    constant: np.ndarray | float,
) -> None:
    """Asks a bundle's halves with random numbers and keys whether they do what `mixed` and `demixed` do.

    Also whether they treat all places of a group alike: features that know their place could be told apart in every
    mixture.

    Args:
        folder: The bundle, for the error.
        pre: M_pre with mixing.
        post: De-mixing with M_post.
        inputs: Shape of a group of inputs.
        answers: Shape of a group of the cloud's answers.
        constant: Of `demixed`.

    Raises:
        BundleError: If they do not.
    """
    key, identity, order = Key(inputs[0]).matrix, np.eye(inputs[0], dtype=np.float32), random_permutation(inputs[0])
    # Above 0, as pixels are: who knows what M_pre makes of others.
    x, y = 64 * np.abs(random_normal(inputs)), random_normal(answers)
    features = pre.run(x=x, key=identity)
    if _differ(pre.run(x=x[order], key=key), mixed(features[order], key), OF_MIXING):
        raise BundleError(
            f"{folder} does not mix: its features are not turned by the key, so that a client that trusts its files "
            "would send them as they are; do not use it"
        )
    whole = post.run(y=y[order], key=key)
    if _differ(whole, post.run(y=demixed(y[order], key, constant), key=identity), OF_DEMIXING):
        raise BundleError(f"{folder} does not de-mix with its key; do not use it, or make it again with this version")


def _differ(found: np.ndarray, wanted: np.ndarray, tolerance: float) -> bool:
    """Whether arrays are apart, or not finite."""
    return not np.abs(found - wanted).max() <= tolerance * np.abs(wanted).max()
