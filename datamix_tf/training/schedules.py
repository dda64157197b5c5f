"""A learning rate schedule that is quick to trace."""

from __future__ import annotations

import math

import keras
from keras import ops

from datamix_tf.typing import Config, Tensor


@keras.saving.register_keras_serializable(package="datamix_tf")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up from 0, then a cosine to 0.

    The values are those of `keras.optimizers.schedules.CosineDecay` with `warmup_target` and without `alpha`. That one
    branches, and optimizers with weight decay ask for the rate once for each variable, so that tracing these branches
    takes long. This one has none.

    Args:
        peak: The rate at the end of the warm-up.
        steps: Steps in which it falls back to 0, above 0.
        warmup_steps: Steps in which it rises, in front of them.
    """

    def __init__(self, peak: float, steps: int, warmup_steps: int = 0) -> None:
        self.peak, self.steps, self.warmup_steps = float(peak), int(steps), int(warmup_steps)
        if self.steps < 1 or self.warmup_steps < 0:
            raise ValueError(
                f"Expected steps above 0 and warmup_steps of at least 0. Received: {steps}, {warmup_steps}"
            )

    def __call__(self, step: Tensor) -> Tensor:
        step = ops.cast(step, "float32")
        rising = ops.minimum(step / max(1, self.warmup_steps), 1.0) if self.warmup_steps else 1.0
        done = ops.clip((step - self.warmup_steps) / self.steps, 0.0, 1.0)
        return self.peak * rising * 0.5 * (1 + ops.cos(math.pi * done))

    def get_config(self) -> Config:
        return {"peak": self.peak, "steps": self.steps, "warmup_steps": self.warmup_steps}


def falling_by_steps(rate: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """A rate that is ten times lower after 40 % of the steps, and again after 80 %.

    Source: Samragh et al., Unsupervised Information Obfuscation (2021), section 5.1: after 20 and 40 of 50 epochs.
    """
    boundaries = list(dict.fromkeys(max(1, round(share * steps)) for share in (0.4, 0.8)))
    rates = [rate * factor for factor in (1.0, 0.1, 0.01)][: len(boundaries) + 1]
    return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates)
