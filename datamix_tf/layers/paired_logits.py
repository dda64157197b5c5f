"""Two logits for each binary label, as the papers' classifiers have them, read as one."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from datamix_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="datamix_tf")
class PairedLogits(keras.layers.Layer):
    """From two logits for each binary label (no, yes) to their difference, the label's log-odds.

    A softmax over each pair and a sigmoid of the difference are the same probability, and the cross-entropy of either
    the same loss with the same gradients, so that everything behind this layer sees one logit for each label. What it
    costs is in the classifier in front of it, which is twice as large.

    Call arguments:
        inputs: Float tensor `[batch, 2 * labels]`: no and yes of the first label, no and yes of the second, ...

    Output shape:
        `(batch, labels)`.

    Raises:
        ValueError: If the number of logits is odd.

    Reference: DataMix (ECCV 2020) and FaceMix (CVPRW 2020), table 2: the parameters on the edge are those of 80 logits
    for 40 attributes (docs/results/costs.md).
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        pairs = ops.reshape(inputs, (-1, self.compute_output_shape(inputs.shape)[-1], 2))
        return pairs[..., 1] - pairs[..., 0]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if input_shape[-1] is None or input_shape[-1] % 2:
            raise ValueError(f"Expected two logits for each label. Received: inputs.shape={tuple(input_shape)}")
        return (input_shape[0], input_shape[-1] // 2)
