"""Training an obfuscator against an identifier, in alternation."""

from __future__ import annotations

import math

import keras
from keras import ops

from datamix_tf.transmission import cloud_body, obfuscation_of


class AnonymizerTraining(keras.Model):
    """Trains a network with a `FaceAnonymizer` against an identifier.

    Each step improves the network (anonymizer and task) on

        task loss - identity_weight * identification loss + l1_weight * mean |anonymised - input|

    and then the identifier on the anonymised inputs. The identification loss that is subtracted is capped at the one of
    guessing, so that the anonymizer gains nothing by making the identifier worse than ignorant. An identifier that
    fails in this race says little: one trained afresh on the finished anonymizer can do far better; that one counts.

    Args:
        network: A functional model with one `FaceAnonymizer`: inputs -> task logits.
        identifier: A model: anonymised inputs -> logits of the people.
        identity_weight: Weight of the adversary.
        l1_weight: Weight of the distance.

    Compile it with the optimizer and the loss of the task; `identifier_optimizer` is the adversary's. Its batches are
    `(x, (task labels, people))`. TensorFlow only.

    Reference: Ren, Lee, Ryoo, Learning to Anonymize Faces (ECCV 2018), section 3; DataMix, table 2.
    """

    def __init__(self, network, identifier, identity_weight=1.0, l1_weight=1.0, **kwargs):
        super().__init__(**kwargs)
        layer = obfuscation_of(network)
        self.parts = keras.Model(network.inputs[0], [network.outputs[0], layer.input, layer.output])
        self.identifier = identifier
        self.identity_weight, self.l1_weight = identity_weight, l1_weight
        self.identify = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.ignorance = math.log(identifier.output_shape[-1])
        self.built = True

    def compile(self, identifier_optimizer, **kwargs):
        super().compile(**kwargs)
        self.identifier_optimizer = identifier_optimizer
        self.optimizer.build(self.parts.trainable_variables)
        identifier_optimizer.build(self.identifier.trainable_variables)

    def call(self, inputs, training=None):
        return self.parts(inputs, training=training)[0]

    def train_step(self, data):
        import tensorflow as tf

        x, (labels, people), _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            logits, shown, hidden = self.parts(x, training=True)
            task = self.compute_loss(x, labels, logits)
            known = ops.minimum(self.identify(people, self.identifier(hidden, training=False)), self.ignorance)
            distance = ops.mean(ops.abs(hidden - shown))
            loss = task - self.identity_weight * known + self.l1_weight * distance
        variables = self.parts.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        hidden = tf.stop_gradient(hidden)
        with tf.GradientTape() as tape:
            identified = self.identify(people, self.identifier(hidden, training=True))
        variables = self.identifier.trainable_variables
        self.identifier_optimizer.apply(tape.gradient(identified, variables), variables)
        return {"loss": task, "identification": identified, "distance": distance}


def identifier_for(network, people):
    """An untrained network of the task network's architecture behind its obfuscation, with one logit for each person.

    Args:
        network: The functional model with an `Obfuscation`.
        people: Number of people.
    """
    body = keras.models.clone_model(cloud_body(network))
    return keras.Model(body.inputs[0], keras.layers.Dense(people, name="people")(body.outputs[0]), name="identifier")
