"""How much of what a cloud computes on mixtures is linear, and so comes back from a mixing."""

from __future__ import annotations

import keras
import numpy as np

from datamix_tf.mixing_model import MixingModel
from datamix_tf.typing import Array

KEYS = 8


def linear_share(model: MixingModel, x: Array, seed: int = 0) -> float:
    """The share of the variance of M_main's answers to mixtures that comes back the same under another key.

    What a row-wise M_main computes splits into its best linear map and a rest. De-mixing returns the linear part of
    every key's mixtures alike, and the rest as noise that is new with every key. So two sets of de-mixed answers to the
    same inputs have in common what is linear: their covariance over their variance is the R^2 of the best linear map.
    (For large groups; in small ones a rest that depends on the group's Gram matrix alone, such as its total energy,
    comes back, too.) Nothing is fitted, so the number of examples need not exceed the number of features.

    Args:
        model: A trained model that mixes groups with orthogonal keys.
        x: Raw inputs `[n, ...]` in at least one whole group; those behind the last whole group are left out.
        seed: Of the keys; `KEYS` are drawn for each group.

    Returns:
        A float, 1 for a linear M_main; chance may bring it slightly below 0 for one without a linear part.

    Raises:
        ValueError: If there are fewer inputs than a group has.

    References: docs/concepts/mixing.md; DataMix (ECCV 2020), section 3.
    """
    from datamix_tf.layers import DeMix, Mix

    whole = len(x) // model.group_size * model.group_size
    if not whole:
        raise ValueError(f"Expected at least {model.group_size} inputs, one whole group. Received: {len(x)}")
    draw, mix, demix = model.new_keys(seed), Mix(), DeMix()
    features = model.pre(np.asarray(x[:whole], "float32"), training=False)
    returned = []
    for _ in range(KEYS):
        key = draw(features)
        answers = model.main(mix(features, key), training=False)
        centred = answers - keras.ops.mean(answers, axis=0, keepdims=True)
        returned.append(np.asarray(demix(centred, key), "float64").reshape(whole, -1))
    energy = sum(float((one**2).sum()) for one in returned)
    total = float((np.sum(returned, axis=0) ** 2).sum())
    # The sum over pairs of different keys, from the square of the sum.
    return (total - energy) / (KEYS - 1) / max(energy, 1e-30)
