"""Weight decay as a part of the gradient, as the papers' optimizers have it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from datamix_tf.typing import Config, Tensor


class _L2(keras.optimizers.Optimizer):
    """Adds `l2 * w` to the gradient of each variable w, all variables alike, after replicas summed theirs."""

    def __init__(self, *args: Any, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.l2 = l2

    def update_step(self, gradient: Tensor, variable: Tensor, learning_rate: Tensor) -> None:
        decay = self.l2 * ops.cast(ops.convert_to_tensor(variable), gradient.dtype)
        super().update_step(gradient + decay, variable, learning_rate)

    def get_config(self) -> Config:
        return {**super().get_config(), "l2": self.l2}


@keras.saving.register_keras_serializable(package="datamix_tf")
class L2SGD(_L2, keras.optimizers.SGD):
    """SGD whose gradients are those of the loss plus `l2 / 2` times the squared norm of all variables.

    That is what other frameworks call weight decay of SGD. Keras's `weight_decay` is decoupled instead: it takes
    `rate * decay * w` off the weights, beside the momentum, which would make it `1 / (1 - momentum)` times as much.

    Args:
        l2: The weight of w in its gradient.
        **kwargs: As of `keras.optimizers.SGD`; `learning_rate` is a float or a schedule.

    Reference: DataMix (ECCV 2020), section 5.1: SGD with weight decay of 1e-4.
    """


@keras.saving.register_keras_serializable(package="datamix_tf")
class L2Adam(_L2, keras.optimizers.Adam):
    """Adam whose gradients are those of the loss plus `l2 / 2` times the squared norm of all variables.

    With decoupled decay it would be AdamW, which came later.

    Args:
        l2: The weight of w in its gradient.
        **kwargs: As of `keras.optimizers.Adam`; `learning_rate` is a float or a schedule.

    Reference: FaceMix (CVPRW 2020), section 4: Adam with weight decay of 1e-4.
    """
