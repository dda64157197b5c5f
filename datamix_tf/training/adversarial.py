"""Training an obfuscator against an adversary who is after a hidden attribute, in alternation."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from datamix_tf import replicas
from datamix_tf.transmission import cloud_body, obfuscation_of
from datamix_tf.typing import Tensor


class AdversarialTraining(keras.Model):
    """Trains a network with an `Obfuscation` layer against an adversary behind that layer.

    Each step improves the network (all of it that is trainable) on

        task loss - gamma * adversary's loss + distance_weight * mean |sent - obfuscation's input|
        + the layers' own losses

    and then the adversary on what is sent. The adversary's loss that is subtracted is capped at the one of guessing, so
    that nothing is gained by making the adversary worse than ignorant. An adversary that fails in this race says
    little: one trained afresh on the finished network can do far better; that one counts.

    With a `FaceAnonymizer` this is FaceMix's anonymizer; with `Sent`, adversarial training (Feutry et al.), Eq. 3 of
    the obfuscation paper; with `GaussianSample` in front of `Sent`, the information bottleneck on a known hidden
    attribute, its Eq. 2; with `LearnedNoise`, all else frozen and a negative `distance_weight`, Shredder, its Eq. 1.

    Args:
        network: A functional model with one `Obfuscation`: inputs -> task logits.
        adversary: A model: what is sent -> logits of the hidden attribute.
        gamma: Weight of the adversary.
        distance_weight: Weight of the distance.

    Compile it with the optimizer and the loss of the task; `adversary_optimizer` is the adversary's. Its batches are
    `(x, (labels, hidden))`.

    Reference: FaceMix (CVPRW 2020), section 4, "Face Anonymizer"; Samragh et al., Unsupervised Information Obfuscation
    (2021), section 3.
    """

    def __init__(
        self,
        network: keras.Model,
        adversary: keras.Model,
        gamma: float = 1.0,
        distance_weight: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        layer: Any = obfuscation_of(network)
        self.parts = keras.Model(network.inputs[0], [network.outputs[0], layer.input, layer.output])
        self.adversary = adversary
        self.gamma, self.distance_weight = gamma, distance_weight
        self.recognise = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.ignorance = math.log(adversary.output_shape[-1])
        self.built = True

    def compile(self, adversary_optimizer: keras.optimizers.Optimizer, **kwargs: Any) -> None:
        """As `keras.Model.compile`, with the adversary's optimizer in front."""
        super().compile(**kwargs)
        self.adversary_optimizer = adversary_optimizer
        self.optimizer.build(self.parts.trainable_variables)
        adversary_optimizer.build(self.adversary.trainable_variables)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        return self.parts(inputs, training=training)[0]

    def train_step(self, data: tuple[Any, ...]) -> dict[str, Tensor]:
        import tensorflow as tf

        x, (labels, hidden), _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            logits, shown, sent = self.parts(x, training=True)
            task = replicas.whole(self.compute_loss(x, labels, logits))
            known = replicas.whole(self.recognise(hidden, self.adversary(sent, training=False)))
            # Clipped by the whole batch, not by each replica's rows.
            clipped = replicas.mean(ops.stop_gradient(known)) >= self.ignorance
            known = ops.where(clipped, ops.cast(self.ignorance, known.dtype), known)
            distance = ops.cast(ops.mean(ops.abs(sent - shown)), task.dtype)
            loss = replicas.share(task - self.gamma * known + self.distance_weight * distance)
            loss = self.optimizer.scale_loss(loss)
        variables = self.parts.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        sent = tf.stop_gradient(sent)
        with tf.GradientTape() as tape:
            recognised = replicas.whole(self.recognise(hidden, self.adversary(sent, training=True)))
            loss = replicas.share(recognised)
        variables = self.adversary.trainable_variables
        self.adversary_optimizer.apply(tape.gradient(loss, variables), variables)
        return {"loss": task, "adversary": recognised, "distance": distance}


def adversary_for(network: keras.Model, classes: int) -> keras.Model:
    """An untrained network of the task network's architecture behind its obfuscation, with other outputs.

    Args:
        network: The functional model with an `Obfuscation`.
        classes: Number of values of the hidden attribute.
    """
    body = keras.models.clone_model(cloud_body(network))
    return keras.Model(
        body.inputs[0], keras.layers.Dense(classes, name="adversary_head")(body.outputs[0]), name="adversary"
    )
