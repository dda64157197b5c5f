"""How well can an input be rebuilt from a code with Gaussian noise? A bound by its Fisher information.

A code e = f(x) + N(0, s^2 I) of an input x of D numbers has the Fisher information matrix J'J / s^2 about x, with J the
Jacobian of f at x. Its mean diagonal entry is dFIL = tr(J'J) / (s^2 D), the diagonal Fisher information leakage. By
Cramer and Rao no unbiased attacker rebuilds x with a mean squared error below 1 / dFIL. By van Trees no attacker at all
does, on average over inputs, below 1 / (mean dFIL + prior), where `prior` is the mean diagonal information of what is
known of inputs beforehand. What is done to the code afterwards (clipping, mixing, covers) can only lower its
information.

Errors are in variances of the inputs' numbers: guessing the mean has 1. For inputs with independent Gaussian numbers
the prior's information is 1, and 1 / (1 + dFIL) the bound. **Pictures are not such inputs**: their neighbouring pixels
are alike, so that a few numbers get an attacker further, and the bound for their true prior, which nobody can
compute, is lower. What dFIL tells is what the code itself says.

Reference: Maeng, Guo, Kariyappa and Suh, Bounding the Invertibility of Privacy-preserving Instance Encoding using
Fisher Information (NeurIPS 2023, arXiv 2305.04146).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from datamix_tf.layers import without_noise
from datamix_tf.typing import Array


def fisher_leakage(pre: keras.Model, x: Array) -> Array:
    """The dFIL of each input, by one pass backwards for each number of the code.

    Args:
        pre: An edge's half that ends with a noisy `datamix_tf.layers.GaussianBottleneck`.
        x: Raw inputs `[n, ...]`, at least 2, from which the variance of their numbers is taken, too.

    Returns:
        float64 `[n]`, per variance of a number of the inputs.

    Raises:
        ValueError: If it adds no noise: it then has no bound.
    """
    import tensorflow as tf

    quiet, stddev = without_noise(pre)
    if not stddev:
        raise ValueError(f"Expected a GaussianBottleneck with noise at the end of {pre.name!r}. Received: none")
    inputs: Any = tf.convert_to_tensor(np.asarray(x, "float32"))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        # Each code depends on its own input alone, so the gradient of a sum over inputs has one row for each.
        sums = tf.unstack(tf.reduce_sum(quiet(inputs, training=False), 0))
    gradients = (np.asarray(tape.gradient(each, inputs), np.float64).reshape(len(x), -1) for each in sums)
    return np.sum([np.square(one).mean(1) for one in gradients], axis=0) * float(np.var(x)) / stddev**2


def least_error(leakage: Array) -> float:
    """The mean squared error, in variances, below which inputs of independent Gaussian numbers cannot be rebuilt.

    Args:
        leakage: Of `fisher_leakage`, `[n]`.
    """
    return float(1 / (1 + np.mean(leakage)))
