"""Pruning of a feature by the weights that receive it: the unsupervised baseline of the obfuscation paper."""

from __future__ import annotations

import keras
import numpy as np

from datamix_tf.graph import run_on
from datamix_tf.layers import FeatureMask
from datamix_tf.obfuscation.signal import front_of
from datamix_tf.typing import Tensor


def prune(network: keras.Model, sent: Tensor, kept: int, name: str = "pruned") -> keras.Model:
    """A network in which all but some channels of the sent feature (numbers, of a vector) are zero.

    Those stay that have the largest L1 norm in the weights of the server's first layers. Fine-tune what follows.

    Args:
        network: A functional model; its layers and weights are used, not copied.
        sent: The symbolic tensor in it that would be sent.
        kept: How many channels stay, at least 1.
        name: Name of the model.

    Returns:
        A functional model with a `FeatureMask`.

    Raises:
        ValueError: If `kept` is not from 1 to the number of channels.

    Reference: Li et al., Pruning Filters for Efficient ConvNets (ICLR 2017); Samragh et al. (2021), section 5.2.
    """
    channels = sent.shape[-1]
    if not 1 <= kept <= channels:
        raise ValueError(f"`kept` must be from 1 to the {channels} channels of the feature. Received: {kept}")
    server = keras.Model(sent, network.outputs[0])
    front = front_of(server)
    norms = np.abs(front.matrix()).sum(0).reshape(-1, channels).sum(0)
    mask = FeatureMask(channels, name="pruning")
    mask.mask.assign(np.isin(np.arange(channels), np.argsort(-norms, kind="stable")[:kept]).astype("float32"))
    return keras.Model(network.inputs[0], run_on(server, mask(sent)), name=name)
