"""Training a network that stands the removal of signal content: section 4.3 of the obfuscation paper."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from datamix_tf.graph import run_on
from datamix_tf.layers import GaussianSample
from datamix_tf.obfuscation.signal import Front, front_of
from datamix_tf.typing import Tensor


class SignalTraining(keras.Model):
    """Trains a network while signal content of one of its features is removed.

    Three parts, each of which can be left out:

    - removal: at every draw one of the features is chosen, and all but its first k coefficients are removed (k drawn
      log-uniformly from 1 to the rank, so that strong obfuscation is trained for as often as weak). Removing them from
      the feature is the same as removing them from the kernel of the layer that receives it, W z' = (W P) z; that is
      what is done here. Batches are normalised with their own statistics, under the removal; the moving statistics
      are those of the full content, whatever was drawn last (`datamix_tf.obfuscation.statistics` has those of a rank);
    - `decov`: the penalty of Cogswell et al. on covariances within a feature, divided by its numbers so that one
      weight fits features of all sizes;
    - `gaussian`: features are means of a Gaussian, drawn in training, with a learned variance for each channel and the
      Kullback-Leibler divergence to N(0, 1) as a penalty (the mean over numbers). At inference the means are sent.

    The two penalties shape features that have weights in front of them: not the raw input.

    Args:
        network: A functional model: inputs -> logits. It is trained in place.
        cuts: Names of layers whose outputs may be sent; a single dense layer or convolution must follow each.
        removal: Whether signal content is removed.
        decov: Weight of the decorrelation penalty.
        gaussian: Weight of the divergence.
        every: Steps after which what is removed is drawn anew; `None` for once an epoch, as in the paper.
        seed: Seed of the draws.

    Compile it like the network. Runs on the TensorFlow backend.

    Raises:
        ValueError: If several layers, or none that is linear, follow a cut.

    Reference: Samragh et al., Unsupervised Information Obfuscation (2021), section 4.3; Cogswell et al. (2015).
    """

    def __init__(
        self,
        network: keras.Model,
        cuts: Sequence[str],
        removal: bool = True,
        decov: float = 0.0,
        gaussian: float = 0.0,
        every: int | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.network, self.removal, self.decov, self.gaussian, self.every = network, removal, decov, gaussian, every
        self.random = np.random.default_rng(seed)
        sent = [network.get_layer(name).output for name in cuts]
        self.fronts = [front_of(keras.Model(tensor, network.outputs[0])) for tensor in sent]
        if any(len(front.paths) > 1 for front in self.fronts):
            raise ValueError(f"Expected one linear layer behind each cut; several use one of {cuts}")
        self.removed = [self._removed(index, front) for index, front in enumerate(self.fronts)]
        self.parts = self._with_features(cuts, seed)
        self.built = True

    def _removed(self, index: int, front: Front) -> keras.Variable:
        outputs, values = front.matrix().shape
        shape = (values, min(outputs, values))
        return self.add_weight(name=f"removed{index}", shape=shape, initializer="zeros", trainable=False)

    def _with_features(self, cuts: Sequence[str], seed: int | None) -> keras.Model:
        """The network with all features as outputs, drawn from their distribution if that is wanted."""
        features: list[Tensor] = []
        inputs, outputs = self.network.inputs[0], {name: self.network.get_layer(name).output for name in cuts}
        shaped = {name for name, output in outputs.items() if keras.Model(inputs, output).trainable_weights}

        def call(layer: keras.layers.Layer, *arguments: Any, **options: Any) -> Tensor:
            outputs = layer(*arguments, **options)
            if layer.name in shaped:
                features.append(outputs)
                if self.gaussian:
                    weight = self.gaussian / len(shaped)
                    return GaussianSample(weight, seed=seed, name=f"{layer.name}_sample")(outputs)
            return outputs

        inputs = keras.Input(self.network.input_shape[1:])
        logits = run_on(self.network, inputs, call)
        return keras.Model(inputs, [logits, *features])

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        return self.network(inputs, training=training)

    def draw(self) -> tuple[int, int] | None:
        """Chooses what is removed until the next draw; returns the index of the cut and how many coefficients stay."""
        for variable in self.removed:
            variable.assign(np.zeros(variable.shape))
        if not self.removal:
            return None
        index = int(self.random.integers(len(self.fronts)))
        basis, _ = self.fronts[index].decompose()
        rank = basis.shape[1]
        kept = min(rank, int((rank + 1) ** self.random.uniform()))
        removed = np.zeros(self.removed[index].shape)
        removed[:, kept:rank] = basis[:, kept:]
        self.removed[index].assign(removed)
        return index, kept

    def fit(
        self, *args: Any, callbacks: Iterable[keras.callbacks.Callback] = (), **kwargs: Any
    ) -> keras.callbacks.History:
        return super().fit(*args, callbacks=[*callbacks, _Draw(self.every)], **kwargs)

    def train_step(self, data: tuple[Any, ...]) -> dict[str, Tensor]:
        import tensorflow as tf

        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        variables = self.parts.trainable_variables
        with tf.GradientTape() as tape:
            states = [variable.value for variable in self.parts.non_trainable_variables]
            outputs, states, penalties = self.parts.stateless_call(
                self._reduced(variables), states, x, training=True, return_losses=True
            )
            logits, *features = outputs
            task = self.compute_loss(x, y, logits, weight)
            penalties, features = ([ops.cast(part, task.dtype) for part in parts] for parts in (penalties, features))
            loss = task + sum(penalties) + self.decov * sum(decorrelation(feature) for feature in features)
            loss = self.optimizer.scale_loss(loss)
        self.network(x, training=True)  # the statistics of the full content, those of the removal are let go
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        own = {id(variable) for variable in self.network.non_trainable_variables}
        for variable, state in zip(self.parts.non_trainable_variables, states, strict=True):
            if id(variable) not in own:
                variable.assign(state)
        self._loss_tracker.update_state(task)
        return self.compute_metrics(x, y, logits, weight)

    def _reduced(self, variables: Sequence[keras.Variable]) -> list[Tensor]:
        """The variables' values, with the removed content taken out of the kernels."""
        removed = {id(front.layers[0].kernel): basis for front, basis in zip(self.fronts, self.removed, strict=True)}
        values = []
        for variable in variables:
            value = variable.value
            if id(variable) in removed:
                basis, kernel = removed[id(variable)].value, ops.reshape(value, (-1, value.shape[-1]))
                value = ops.reshape(kernel - ops.matmul(basis, ops.matmul(ops.transpose(basis), kernel)), value.shape)
            values.append(value)
        return values


def decorrelation(features: Tensor) -> Tensor:
    """The DeCov penalty of a batch, `(|C|_F^2 - |diag C|^2) / 2`, divided by the numbers of a feature.

    |C|_F is computed from the batch's Gram matrix, so that large maps cost no large covariance matrix.

    Args:
        features: `[batch, ...]`.

    Reference: Cogswell et al., Reducing Overfitting in Deep Networks by Decorrelating Representations (2015).
    """
    numbers = math.prod(features.shape[1:])  # the batch may have any size, and be cut short
    flat = ops.reshape(features, (-1, numbers))
    count = ops.cast(ops.shape(flat)[0], flat.dtype)
    centred = flat - ops.mean(flat, axis=0)
    whole = ops.sum(ops.square(ops.matmul(centred, ops.transpose(centred)) / count))
    diagonal = ops.sum(ops.square(ops.mean(ops.square(centred), axis=0)))
    return (whole - diagonal) / (2 * numbers)


class _Draw(keras.callbacks.Callback):
    """Draws what is removed, every so many steps."""

    def __init__(self, every: int | None) -> None:
        super().__init__()
        self.every = every

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.model.draw()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.every and batch and batch % self.every == 0:
            self.model.draw()
