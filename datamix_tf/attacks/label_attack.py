"""Reading labels (identity, attributes, keyword) from single transmitted tensors with a trained network."""

from __future__ import annotations

import keras
import numpy as np

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.datamix_model import DataMixModel
from datamix_tf.metrics import balanced_accuracy, best_thresholds
from datamix_tf.transmission import cloud_body, transmitted


class LabelAttack(Attack):
    """A network of the model's architecture that reads a label of the input behind a transmitted tensor.

    The attacker is the cloud: it knows all weights, so the attack network starts from those of M_main, and it can
    mix its own labelled examples with keys of its own, so it trains on fresh mixtures in every step. The state with the
    best score on the validation examples counts.

    Args:
        model: The attacked `DataMixModel`, or a plain Keras model that runs in the cloud as a whole.
        outputs: Number of classes, or of binary labels.
        binary: Whether the labels are several independent 0/1 ones; the score is then the balanced accuracy, averaged
            over labels, else the accuracy.
        epochs: Passes over the attacker's examples.
        batch_size: Examples in a batch; must hold whole groups.
        learning_rate: Peak of AdamW's learning rate (cosine decay).
        seed: Seed of initialisation, order and keys.
        callbacks: Keras callbacks for `fit`, for example a progress bar.

    Reference: DataMix (ECCV 2020), section 5.1, Metrics.
    """

    def __init__(self, model, outputs, binary, epochs=10, batch_size=64, learning_rate=1e-3, seed=0, callbacks=()):
        self.binary, self.epochs, self.batch_size, self.seed = binary, epochs, batch_size, seed
        self.learning_rate = learning_rate
        self.callbacks = list(callbacks)
        self.group_size = model.group_size if isinstance(model, DataMixModel) else 1
        keras.utils.set_random_seed(seed)
        self.sender = transmitted(model, seed=seed)
        body = cloud_body(model)
        answers = body(self.sender.output)
        if len(answers.shape) > 2:
            answers = keras.layers.Flatten()(answers)
        logits = keras.layers.Dense(outputs, name="attack_head")(answers)
        self.network = keras.Model(self.sender.input, logits, name="label_attack")
        self.curve: list[float] = []
        self.thresholds = np.zeros(outputs)

    def fit(self, train, valid):
        x, y = train
        batch_size = min(self.batch_size, len(x) - len(x) % self.group_size)
        steps = max(1, len(x) // batch_size) * self.epochs
        warmup = steps // 10
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, steps - warmup, warmup_target=self.learning_rate, warmup_steps=warmup
        )
        loss = (
            keras.losses.BinaryCrossentropy(from_logits=True)
            if self.binary
            else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        self.network.compile(keras.optimizers.AdamW(schedule, weight_decay=0.01), loss, jit_compile=False)
        # Made here, the optimizer's variables are not traced one by one.
        self.network.optimizer.build(self.network.trainable_variables)
        batches = self._batches(x, y, batch_size)
        best = _KeepBest(lambda: self._measure(valid))
        self.network.fit(batches, epochs=self.epochs, shuffle=False, verbose=0, callbacks=[best, *self.callbacks])
        best.restore()
        self.curve = best.curve
        if self.binary:
            logits, labels = self.predict(valid)
            self.thresholds = best_thresholds(labels, logits)

    def score(self, test):
        logits, labels = self.predict(test)
        if not self.binary:
            hits = float((logits.argmax(1) == labels).mean())
            return AttackScore(hits, most_frequent_share(labels), len(labels), "accuracy", self._details())
        score = balanced_accuracy(labels, logits > self.thresholds)
        return AttackScore(score, 0.5, len(labels), "balanced_accuracy", self._details())

    def predict(self, examples):
        """Logits for each example's mixture, `(logits, labels)`; examples that fill no whole group are left out."""
        x, y = examples
        order = np.random.default_rng(self.seed).permutation(len(x))[: len(x) - len(x) % self.group_size]
        step = self.batch_size - self.batch_size % self.group_size or self.group_size
        parts = [
            self.network(np.asarray(x[order[i : i + step]], "float32"), training=False)
            for i in range(0, len(order), step)
        ]
        return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts]), np.asarray(y)[order]

    def _measure(self, valid):
        logits, labels = self.predict(valid)
        if self.binary:
            return balanced_accuracy(labels, logits > best_thresholds(labels, logits))
        return float((logits.argmax(1) == labels).mean())

    def _batches(self, x, y, batch_size):
        import tensorflow as tf

        dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=self.seed)
        dataset = dataset.batch(batch_size, drop_remainder=True)
        return dataset.map(lambda x, y: (tf.cast(x, tf.float32), y)).prefetch(2)

    def _details(self):
        return {
            "attack": "M_main's network, fine-tuned on single mixtures",
            "curve": self.curve,
        }


class _KeepBest(keras.callbacks.Callback):
    """Measures after every epoch and keeps the weights of the best one."""

    def __init__(self, measure):
        super().__init__()
        self.measure = measure
        self.curve, self.weights = [], None

    def on_epoch_end(self, epoch, logs=None):
        self.curve.append(self.measure())
        if self.curve[-1] >= max(self.curve):
            self.weights = self.model.get_weights()

    def restore(self):
        if self.weights is not None:
            self.model.set_weights(self.weights)


def most_frequent_share(labels) -> float:
    """The share of the most frequent class: what always naming it reaches."""
    return float(np.bincount(labels).max() / len(labels))
