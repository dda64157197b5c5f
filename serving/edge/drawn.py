"""Covers that are drawn, not collected: for codes that look like noise, noise is as good a cover as any.

A model whose edge sends standard normal numbers (the mixed bottleneck) hides k true codes Z (k x d) among n - k codes
from the operating system's generator. Mixing all n with a Haar-distributed key needs the key's first k columns alone:
with A (n x k) of orthonormal columns, uniformly distributed, and G (n x d) standard normal, the mixtures are

    M = G + A (Z - A' G).

A' M = Z exactly, and what is orthogonal to A is Gaussian, as a key would leave it: an orthogonal matrix turns the
n - k drawn codes into standard normal numbers in the space orthogonal to A, which is what (I - A A') G is. The answers
to the true inputs are A' f(M). Cost: O(n d k), no n x n key.

What the best possible attacker learns of such mixtures: `datamix_tf.certificate`.
"""

from __future__ import annotations

import numpy as np

from serving.edge.keys import Key, random_columns, random_normal
from serving.edge.mixing import mixed


class DrawnGroup(Key):
    """One group: some true codes among drawn ones, to be used once.

    Args:
        group_size: Rows that are sent (n).
        inputs: True inputs among them (k), from 0 to n.

    Attributes:
        matrix: float64 `[n, k]`, the first columns of a Haar-distributed matrix; zeros after `wipe`. Its transpose
            turns mixtures into the true codes.
    """

    __slots__ = ()

    def __init__(self, group_size: int, inputs: int) -> None:
        self.matrix = random_columns(group_size, inputs)

    def mix(self, codes: np.ndarray) -> np.ndarray:
        """Mixtures, float32 `[n, d]`, of true codes `[k, d]`."""
        covers = random_normal((len(self.matrix), codes.shape[1])).astype(np.float64)
        mixtures = (covers + mixed(codes - mixed(covers, self.matrix.T), self.matrix)).astype(np.float32)
        covers.fill(0)  # with them the mixtures would tell the columns
        return mixtures

    def demix(self, answers: np.ndarray) -> np.ndarray:
        """Answers to the true inputs, float32 `[k, ...]`, from the cloud's `[n, ...]`."""
        return mixed(answers.astype(np.float64), self.matrix.T).astype(np.float32)


def shortened(codes: np.ndarray) -> np.ndarray:
    """Codes `[k, d]`, none longer than sqrt(d): the certificate holds for such codes."""
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    return codes * np.minimum(1.0, codes.shape[1] ** 0.5 / np.maximum(lengths, 1e-12))
