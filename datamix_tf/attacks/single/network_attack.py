"""What attacks with a trained network share: configurations, training to convergence, the best state."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from datamix_tf.attacks.base import Attack
from datamix_tf.graph import calls
from datamix_tf.mates import arrange
from datamix_tf.training.schedules import WarmupCosine, falling_by_steps
from datamix_tf.transmission import cloud_body, cloud_classifier, group_size_of, transmitted
from datamix_tf.typing import Array, Dataset, Examples, Tensor

OPTIMIZERS = ("adamw", "adam")
SCHEDULES = ("cosine", "steps")


@dataclasses.dataclass(frozen=True)
class AttackTraining:
    """How an attack network is trained.

    Attributes:
        epochs: Most passes over the attacker's examples.
        patience: Passes without a better validation score after which it ends; 0 runs all epochs.
        batch_size: Examples in a batch; lowered to whole groups.
        learning_rates: Peaks of the learning rate; each is tried, the best counts.
        starts: `"trained"` (the weights of M_main, which the cloud has) or `"fresh"`; each is tried.
        seed: Seed of initialisation, order and keys.
        optimizer: `"adamw"` (weight decay 0.01) or `"adam"`.
        schedule: Of the learning rate: `"cosine"` (warm-up, then cosine decay) or `"steps"` (ten times slower after
            40 % and 80 % of the passes, as in the obfuscation paper, section 5.1).

    Raises:
        ValueError: If the optimizer or the schedule is unknown.
    """

    epochs: int = 10
    patience: int = 0
    batch_size: int = 64
    learning_rates: tuple[float, ...] = (1e-3,)
    starts: tuple[str, ...] = ("trained",)
    seed: int = 0
    optimizer: str = "adamw"
    schedule: str = "cosine"

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS or self.schedule not in SCHEDULES:
            raise ValueError(
                f"Expected an optimizer of {', '.join(OPTIMIZERS)} and a schedule of {', '.join(SCHEDULES)}. Received: "
                f"{self.optimizer!r}, {self.schedule!r}"
            )

    def made_optimizer(self, learning_rate: float, steps: int) -> keras.optimizers.Optimizer:
        """The optimizer of one training of so many steps."""
        if self.schedule == "steps":
            rate = falling_by_steps(learning_rate, steps)
        else:
            rate = WarmupCosine(learning_rate, steps - steps // 10, steps // 10)
        return keras.optimizers.Adam(rate) if self.optimizer == "adam" else keras.optimizers.AdamW(rate, 0.01)


@dataclasses.dataclass(frozen=True)
class Goal:
    """What a network of an attack is trained for.

    Attributes:
        name: What it is called beside scores.
        loss: The Keras loss between targets and logits.
        targets: From a batch's labels in the order of its groups to targets (TensorFlow tensors).
    """

    name: str
    loss: keras.losses.Loss
    targets: Callable[[Tensor], Tensor]


OWN = "its own label"


class NetworkAttack(Attack):
    """A network of the attacked model's architecture on single transmitted tensors.

    The attacker is the cloud: it knows all weights, and it can mix its own labelled examples with keys of its own, so
    it trains on fresh mixtures in every step. Every configuration of `training` is tried for each of the `goals`; the
    state (that in front of any training among them: a cloud with the whole network may just use it), the configuration
    and the goal with the best score on the validation examples count.

    Subclasses say what is learned: `loss`, `targets` of a batch's labels, and `measure` of logits; `goals` has more
    than one where something else to learn may serve the measure better.

    Args:
        model: The attacked model, see `datamix_tf.transmission`.
        outputs: Number of logits.
        training: An `AttackTraining`.
        mates: Who is mixed with whom, one of `datamix_tf.mates.MATES`; not `"any"` takes labels that say whose each
            example is.
        shuffle: Whether mixtures are permuted across groups on the wire while the attacker takes the k-th for input k.
        callbacks: Keras callbacks for `fit`, for example a progress bar.

    Attributes:
        tried: After `fit`, one dictionary for each configuration with its learning curve on the validation examples.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: int,
        training: AttackTraining | None = None,
        mates: str = "any",
        shuffle: bool = False,
        callbacks: Iterable[keras.callbacks.Callback] = (),
    ) -> None:
        self.training, self.mates, self.callbacks = training or AttackTraining(), mates, list(callbacks)
        self.model, self.outputs, self.shuffle = model, outputs, shuffle
        self.group_size = group_size_of(model)
        self.tried: list[dict] = []
        self.network: keras.Model = None

    def loss(self) -> keras.losses.Loss:
        """The Keras loss between `targets` and logits."""
        raise NotImplementedError

    def targets(self, labels: Tensor) -> Tensor:
        """What the network learns, from a batch's labels in the order of its groups (TensorFlow tensors)."""
        return labels

    def measure(self, logits: Array, labels: Array) -> float:
        """A figure of merit that is higher for better attacks."""
        raise NotImplementedError

    def goals(self) -> tuple[Goal, ...]:
        """What networks are trained for, each a network of its own; all are judged by `measure`."""
        return (Goal(OWN, self.loss(), self.targets),)

    def fit(self, train: Examples, valid: Examples) -> None:
        best, goals = -np.inf, self.goals()
        for goal, start, rate in itertools.product(goals, self.training.starts, self.training.learning_rates):
            network = self._build(start)
            keeper = self._train(network, goal, rate, train, valid)
            tried = {"start": start, "learning_rate": rate, "valid": keeper.best, "curve": keeper.curve}
            self.tried.append(tried | ({"goal": goal.name} if len(goals) > 1 else {}))
            if keeper.best > best:
                best, self.network = keeper.best, network

    def predict(self, examples: Examples, network: keras.Model | None = None) -> tuple[Array, Array]:
        """Logits for each example's mixture, `(logits, labels)`; examples that fill no whole group are left out."""
        x, y = examples
        network = self.network if network is None else network
        order = self._order(y, self._random())
        step = self._whole(self.training.batch_size)
        parts = [
            network(np.asarray(x[order[i : i + step]], "float32"), training=False) for i in range(0, len(order), step)
        ]
        return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts]), np.asarray(y)[order]

    def reading_part(self) -> keras.Model:
        """The trained network from the transmitted tensor on, as a model."""
        (call,) = calls(self.network, self.network.get_layer("attack_body"))
        return keras.Model(call.input_tensors[0], self.network.outputs[0])

    @property
    def details(self) -> dict:
        """What stands beside a score: every configuration tried, and the best one's learning curve."""
        best = max(self.tried, key=lambda tried: tried["valid"])
        named: dict[str, Any] = {"mates": self.mates} if self.mates != "any" else {}
        named |= {"shuffled": True} if self.shuffle else {}
        goal = best.get("goal", OWN)
        return {
            "attack": "a network like M_main on single mixtures" + (f", trained for {goal}" if goal != OWN else ""),
            "curve": best["curve"],
            "tried": self.tried,
        } | named

    def _build(self, start: str) -> keras.Model:
        keras.utils.set_random_seed(self.training.seed)
        sender = transmitted(self.model, seed=self.training.seed, shuffle=self.shuffle)
        body = cloud_body(self.model)
        if start == "fresh":
            body = keras.models.clone_model(body)
        body.name = "attack_body"
        answers = body(sender.output)
        if len(answers.shape) > 2:
            answers = keras.layers.Flatten()(answers)
        head = keras.layers.Dense(self.outputs, name="attack_head")
        network = keras.Model(sender.input, head(answers), name="attack")
        classifier = cloud_classifier(self.model)
        if start == "trained" and classifier is not None and len(classifier[1]) == self.outputs:
            head.set_weights(list(classifier))
        return network

    def _train(
        self, network: keras.Model, goal: Goal, learning_rate: float, train: Examples, valid: Examples
    ) -> _KeepBest:
        x, y = train
        batch_size = self._whole(min(self.training.batch_size, len(x)))
        steps = max(1, len(x) // batch_size) * self.training.epochs
        network.compile(self.training.made_optimizer(learning_rate, steps), goal.loss, jit_compile=False)
        # Made here, the optimizer's variables are not traced one by one.
        network.optimizer.build(network.trainable_variables)
        keeper = _KeepBest(lambda: self.measure(*self.predict(valid, network)), self.training.patience)
        network.fit(
            self._batches(x, y, batch_size, goal),
            epochs=self.training.epochs,
            shuffle=False,
            verbose=0,
            callbacks=[keeper, *self.callbacks],
        )
        keeper.restore()
        return keeper

    def _batches(self, x: Array, y: Array, batch_size: int, goal: Goal) -> Dataset:
        import tensorflow as tf

        random = self._random()

        def epoch(random: np.random.Generator) -> list[Array]:
            order = self._order(y, random)
            whole = len(order) - len(order) % batch_size or len(order)
            return [order[i : i + batch_size] for i in range(0, whole, batch_size)]

        def gather(index: Tensor) -> tuple[Tensor, Tensor]:
            chosen = tf.numpy_function(lambda i: (x[i], y[i]), [index], (x.dtype, y.dtype))
            chosen[0].set_shape((None, *x.shape[1:]))
            chosen[1].set_shape((None, *y.shape[1:]))
            return tf.cast(chosen[0], tf.float32), goal.targets(chosen[1])

        dataset = tf.data.Dataset.from_generator(
            lambda: iter(epoch(random)), output_signature=tf.TensorSpec([None], tf.int64)
        )
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(epoch(self._random()))))
        return dataset.map(gather).prefetch(2)

    def _order(self, labels: Array, random: np.random.Generator) -> Array:
        """Examples in groups with the wanted mates."""
        return arrange(labels if self.mates != "any" else np.zeros(len(labels)), self.group_size, self.mates, random)

    def _whole(self, size: int) -> int:
        return max(self.group_size, size - size % self.group_size)

    def _random(self) -> np.random.Generator:
        return np.random.default_rng(self.training.seed)


class _KeepBest(keras.callbacks.Callback):
    """Measures at the start and after every epoch, keeps the best weights, ends when nothing gets better."""

    def __init__(self, measure: Callable[[], float], patience: int) -> None:
        super().__init__()
        self.measure, self.patience = measure, patience
        self.curve, self.weights, self.best, self.best_epoch = [], None, -np.inf, 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.best, self.weights = float(self.measure()), self.model.get_weights()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.curve.append(float(self.measure()))
        if self.curve[-1] > self.best:
            self.best, self.best_epoch, self.weights = self.curve[-1], epoch, self.model.get_weights()
        if self.patience and epoch - self.best_epoch >= self.patience:
            self.model.stop_training = True

    def restore(self) -> None:
        self.model.set_weights(self.weights)
