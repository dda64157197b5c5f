"""Rebuilding the pictures behind a transmitted tensor with Pix2Pix."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.mates import arrange
from datamix_tf.models.pix2pix import patch_gan, unet
from datamix_tf.sampling import most_rows, sampled_rows
from datamix_tf.transmission import group_size_of, transmitted
from datamix_tf.typing import Array, Examples, Numbers, Tensor
from datamix_tf.uncertainty import in_groups, of_mean


@dataclasses.dataclass(frozen=True)
class ReconstructionTraining:
    """How the generator is trained.

    Attributes:
        epochs: Passes over the attacker's examples; the state with the best validation score counts.
        batch_size: Examples in a batch; lowered to whole groups.
        width: Filters of the first convolutions; 64 in Pix2Pix.
        learning_rate: Of both Adams (beta_1 = 0.5).
        distance_weight: Weight of the Chamfer distance beside the adversarial loss; 100 in Pix2Pix.
        seed: Seed of initialisation, order and keys.
    """

    epochs: int = 20
    batch_size: int = 32
    width: int = 64
    learning_rate: float = 2e-4
    distance_weight: float = 100.0
    seed: int = 0


class ReconstructionAttack(Attack):
    """A U-Net that rebuilds all inputs of a group from a single transmitted tensor, trained against a PatchGAN.

    Which input a mixture corresponds to is ambiguous, so the generator makes `group_size` pictures and is trained with
    the Chamfer distance between the set of its pictures and the set of inputs; they are scored after optimal matching.
    Pictures are compared on the scale of standardised inputs (mean 0, variance 1 over the train split); the papers do
    not give theirs. The score is the inverse (negative) mean squared error, its chance level that of the train split's
    mean picture, all that an attacker has who receives nothing.

    Args:
        model: The attacked model, see `datamix_tf.transmission`.
        mean: Mean of each channel of raw inputs.
        variance: Variance of each channel of raw inputs.
        training: A `ReconstructionTraining`.
        callbacks: Keras callbacks for `fit`.

    Raises:
        ValueError: If what the model sends is not shaped like a picture, such as a bottleneck's vector.

    Reference: DataMix (ECCV 2020), section 5.1, Recovering Face; table 3, column Recon.
    """

    def __init__(
        self,
        model: keras.Model,
        mean: Numbers,
        variance: Numbers,
        training: ReconstructionTraining | None = None,
        callbacks: Iterable[keras.callbacks.Callback] = (),
    ) -> None:
        self.training, self.callbacks = training or ReconstructionTraining(), list(callbacks)
        keras.utils.set_random_seed(self.training.seed)
        self.sender, self.group_size = transmitted(model, seed=self.training.seed), group_size_of(model)
        self.mean = np.reshape(mean, (1, 1, 1, -1)).astype("float32")
        self.deviation = np.sqrt(np.reshape(variance, (1, 1, 1, -1))).astype("float32")
        self.picture = self.sender.input_shape[1:]
        sent, width = self.sender.output_shape[1:], self.training.width
        if len(sent) != 3:
            raise ValueError(f"Expected a feature shaped like a picture, height x width x channels. Received: {sent}")
        channels = self.picture[-1] * self.group_size
        self.generator = unet(sent, (*self.picture[:2], channels), width)
        self.gan = _Gan(self.generator, patch_gan(sent, self.picture, width), self.training.distance_weight)
        self.curve: list[float] = []

    def fit(self, train: Examples, valid: Examples) -> None:
        x = train[0]
        part = np.asarray(x[sampled_rows(len(x), most_rows(self.picture))], "float32")
        self.mean_picture = self._standard(part).mean(0, keepdims=True)
        first = np.asarray(x[self._batches(len(x), np.random.default_rng(0))[0]], "float32")
        sent = np.asarray(self.sender(first, training=False))
        axes = tuple(range(sent.ndim - 1))
        self.level, self.range = sent.mean(axes), sent.std(axes) + 1e-6
        adam = keras.optimizers.Adam
        rate = self.training.learning_rate
        self.gan.compile(critic_optimizer=adam(rate, beta_1=0.5), optimizer=adam(rate, beta_1=0.5), jit_compile=False)
        best = None
        random = np.random.default_rng(self.training.seed)
        for callback in self.callbacks:
            callback.set_params({"epochs": self.training.epochs})
            callback.on_train_begin()
        for epoch in range(self.training.epochs):
            for batch in self._batches(len(x), random):
                pictures = np.asarray(x[batch], "float32")
                wanted = self._standard(pictures).reshape(len(batch), *self.picture)
                self.gan.train_on_batch(self._sent(pictures), wanted)
            self.curve.append(float(-self._errors(valid)[0].mean()))
            if best is None or self.curve[-1] >= max(self.curve):
                best = self.generator.get_weights()
            for callback in self.callbacks:
                callback.on_epoch_end(epoch, {"inverse_mse": self.curve[-1]})
        for callback in self.callbacks:
            callback.on_train_end()
        self.generator.set_weights(best)

    def score(self, test: Examples) -> AttackScore:
        errors, guessed, psnr, ssim = self._errors(test)
        details = {
            "attack": "Pix2Pix on single mixtures, Chamfer distance, optimal matching",
            "curve": self.curve,
            "psnr": float(psnr.mean()),
            "ssim": float(ssim.mean()),
        }
        uncertainty = of_mean(-errors, *in_groups(len(errors), self.group_size))
        figures = float(-errors.mean()), float(-guessed.mean()), len(errors)
        return AttackScore(*figures, "inverse_mse", details, uncertainty=uncertainty)

    def rebuild(self, x: Array) -> Array:
        """Pictures from the mixtures of inputs, matched: `[n, height, width, channels]` in raw units, row i for x_i."""
        x = np.asarray(x, "float32")
        matched = self._matched(self._generate(self._sent(x)), self._standard(x))
        return matched[0][:: self.group_size].reshape(len(x), *self.picture) * self.deviation + self.mean

    def _errors(self, examples: Examples) -> list[Array]:
        """For each mixture: mean squared error, that of the mean picture, PSNR in dB and SSIM (raw units, 255)."""
        import tensorflow as tf

        x, results = examples[0], []
        for batch in self._batches(len(x), np.random.default_rng(self.training.seed)):
            inputs = np.asarray(x[batch], "float32")
            truth = self._standard(inputs)
            made = self._generate(self._sent(inputs))
            pictures, wanted, errors = self._matched(made, truth)
            guessed = ((wanted - self.mean_picture[0]) ** 2).mean((1, 2, 3, 4))
            raw = [np.clip(part * self.deviation + self.mean, 0, 255) for part in (pictures, wanted)]
            psnr = tf.reduce_mean(tf.image.psnr(*raw, 255.0), -1)
            ssim = tf.reduce_mean(tf.image.ssim(*(part.reshape(-1, *self.picture) for part in raw), 255.0))
            results.append((errors, guessed, psnr, np.full(len(errors), ssim)))
        return [np.concatenate(parts) for parts in zip(*results, strict=True)]

    def _matched(self, made: Array, truth: Array) -> tuple[Array, Array, Array]:
        """Sorts each mixture's pictures so that the mean squared error to its group's inputs is least.

        Returns:
            Pictures and inputs, `[n, group_size, ...]`, and the errors `[n]`.
        """
        from scipy.optimize import linear_sum_assignment

        groups = truth.reshape(-1, self.group_size, *self.picture)
        wanted = np.repeat(groups, self.group_size, axis=0)
        flat = [part.reshape(len(part), self.group_size, -1) for part in (made, wanted)]
        costs = np.stack([((flat[0][:, k, None] - flat[1]) ** 2).mean(-1) for k in range(self.group_size)], 1)
        pictures, errors = np.empty_like(made), np.empty(len(made))
        for index, cost in enumerate(costs):
            rows, columns = linear_sum_assignment(cost)
            pictures[index, columns] = made[index, rows]
            errors[index] = cost[rows, columns].mean()
        return pictures, wanted, errors

    def _generate(self, sent: Tensor) -> Array:
        return np.asarray(split_pictures(self.generator(sent, training=False), self.group_size))

    def _sent(self, x: Array) -> Tensor:
        """What is sent, standardised for the generator."""
        return (self.sender(x, training=False) - self.level) / self.range

    def _standard(self, x: Array) -> Array:
        return (x - self.mean) / self.deviation

    def _batches(self, count: int, random: np.random.Generator) -> list[Array]:
        size = max(self.group_size, self.training.batch_size - self.training.batch_size % self.group_size)
        order = arrange(np.zeros(count), self.group_size, random=random)
        return [order[start : start + size] for start in range(0, len(order), size)]


def split_pictures(stacked: Tensor, group_size: int) -> Tensor:
    """`[n, height, width, group_size * channels]` as `[n, group_size, height, width, channels]`."""
    return ops.stack(ops.split(stacked, group_size, axis=-1), axis=1)


def chamfer_distance(made: Tensor, wanted: Tensor) -> Tensor:
    """The Chamfer distance with mean absolute differences, averaged over both sets and the batch.

    Args:
        made: `[n, m, height, width, channels]`.
        wanted: Likewise.

    Returns:
        A scalar tensor.

    Reference: DataMix (ECCV 2020), section 5.1, the loss of Recovering Face.
    """
    distances = ops.stack(
        [ops.mean(ops.abs(made[:, k : k + 1] - wanted), axis=(2, 3, 4)) for k in range(made.shape[1])], axis=1
    )
    return ops.mean(ops.min(distances, axis=1)) + ops.mean(ops.min(distances, axis=2))


class _Gan(keras.Model):
    """One step of Pix2Pix for sets of pictures; the critic looks at one picture of each set."""

    def __init__(self, generator: keras.Model, critic: keras.Model, distance_weight: float) -> None:
        super().__init__()
        self.generator, self.critic, self.distance_weight = generator, critic, distance_weight
        self.bce = keras.losses.BinaryCrossentropy(from_logits=True)
        self.built = True

    def compile(self, critic_optimizer: keras.optimizers.Optimizer, **kwargs: Any) -> None:
        super().compile(**kwargs)
        self.critic_optimizer = critic_optimizer
        self.optimizer.build(self.generator.trainable_variables)
        critic_optimizer.build(self.critic.trainable_variables)

    def train_step(self, data: tuple[Any, ...]) -> dict[str, Tensor]:
        import tensorflow as tf

        sent, pictures, _ = keras.utils.unpack_x_y_sample_weight(data)
        members = self.generator.output_shape[-1] // pictures.shape[-1]
        groups = tf.reshape(pictures, [-1, members, *pictures.shape[1:]])
        wanted = tf.repeat(groups, members, axis=0)
        one = tf.random.uniform([], 0, members, tf.int32)
        with tf.GradientTape() as tape, tf.GradientTape() as critic_tape:
            made = split_pictures(self.generator(sent, training=True), members)
            judged_made = self.critic([sent, made[:, one]], training=True)
            judged_real = self.critic([sent, wanted[:, one]], training=True)
            distance = chamfer_distance(made, wanted)
            loss = self.bce(tf.ones_like(judged_made), judged_made) + self.distance_weight * distance
            critic_loss = self.bce(tf.ones_like(judged_real), judged_real)
            critic_loss = 0.5 * (critic_loss + self.bce(tf.zeros_like(judged_made), judged_made))
        variables = self.generator.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        variables = self.critic.trainable_variables
        self.critic_optimizer.apply(critic_tape.gradient(critic_loss, variables), variables)
        return {"loss": loss, "distance": distance, "critic_loss": critic_loss}
