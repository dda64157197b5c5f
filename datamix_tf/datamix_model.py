"""The mixing-aware model: pre -> mix -> main -> de-mix -> post."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from datamix_tf import replicas
from datamix_tf.groups import check_group_size, complete_groups, require_whole_groups
from datamix_tf.layers import DeMix, GroupShuffle, GroupUnshuffle, Mix, OrthogonalKeys
from datamix_tf.mixing_model import MixingModel
from datamix_tf.typing import Config, Shape, Tensor


@keras.saving.register_keras_serializable(package="datamix_tf")
class DataMixModel(MixingModel):
    """Trains and evaluates a split network through the mixing of its intermediate features.

    Every call draws a fresh Haar-distributed orthogonal key for every group. In training a batch must be a whole
    number of groups; at inference the last group is completed with covers (see `complete_groups`), whose answers are
    dropped.

    Args:
        pre: M_pre, the edge's first part: `[batch, ...] -> features [batch, ...]`.
        main: M_main, the cloud's part; sees mixtures only.
        post: M_post, the edge's last part, on de-mixed answers.
        group_size: Inputs mixed with each other (S_G), an integer from 1.
        shuffle: Whether mixtures are also permuted across groups on their way to `main`. The result is the same (row
            order does not matter to `main`); it is there to run exactly what the wire carries.
        seed: Optional int that makes the keys of training repeatable. Not saved.
        subtract_constant: Whether the cloud's answer to zero is taken off its answers before de-mixing and put back
            after, in training and at inference (see `zero_answer`). De-mixing is then exact for every affine `main`,
            not for linear ones alone (docs/concepts/mixing.md). It costs one more row in every batch of training.

    Call arguments:
        inputs: What `pre` takes, `[batch, ...]`.
        training: As in Keras.

    Raises:
        ValueError: If `group_size` is not an integer of at least 1, or a training batch is not a multiple of it.

    Example:

    >>> pre, main, post = split(model, after="block_2_add", before="predictions")
    >>> private = DataMixModel(pre, main, post, group_size=8)
    >>> private.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    >>> private.fit(x, y, batch_size=64)
    >>> private.evaluate(x_test, y_test)               # through the mixing
    >>> private.unmixed().evaluate(x_test, y_test)     # the same weights without it

    Reference: DataMix (ECCV 2020), Eq. 2 and section 4.2; FaceMix (CVPRW 2020), Eq. 2 to 6.
    """

    PARTS = ("pre", "main", "post")
    orthogonal = True

    def __init__(
        self,
        pre: keras.Model,
        main: keras.Model,
        post: keras.Model,
        group_size: int = 8,
        shuffle: bool = False,
        seed: int | None = None,
        subtract_constant: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.group_size = check_group_size(group_size)
        self.shuffle = shuffle
        self.subtract_constant = subtract_constant
        self.pre, self.main, self.post = pre, main, post
        self.keys = OrthogonalKeys(group_size, seed=seed, name="keys")
        self.mix, self.demix = Mix(name="mix"), DeMix(name="demix")
        self.shuffle_groups = GroupShuffle(seed=seed, name="shuffle")
        self.unshuffle_groups = GroupUnshuffle(name="unshuffle")
        self.mixed_share = self.add_weight(name="mixed_share", initializer="ones", trainable=False)
        self.built = True

    def new_keys(self, seed: int | None = None) -> OrthogonalKeys:
        return OrthogonalKeys(self.group_size, seed=seed)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        features = self.pre(inputs, training=training)
        if training:
            whole = require_whole_groups(features, self.group_size)
        else:
            whole = complete_groups(features, self.group_size, seed=self.keys.seed_generator)
        keys = self._training_keys(whole) if training else self.keys(whole)
        answers = self._ask_cloud(self.mix(whole, keys), training)
        demixed = self.demix(answers, keys, self.zero_answer(whole))[: ops.shape(features)[0]]
        return self.post(demixed, training=training)

    def zero_answer(self, features: Tensor) -> Tensor | None:
        """What `main` answers to a feature of zeros, as `demix` takes it; `None` without `subtract_constant`.

        `main` is run as in inference in training, too, by itself: a row of zeros among the mixtures would change the
        statistics of batch normalisation. Gradients pass.

        Args:
            features: Tensor `[batch, ...]` of at least one row; only its shape and dtype are used.

        Returns:
            Tensor `[1, ...]` of the shape of one answer, or `None`.
        """
        if not self.subtract_constant:
            return None
        return self.main(ops.zeros_like(features[:1]), training=False)

    def _training_keys(self, features: Tensor) -> Tensor:
        """Keys of which `mixed_share` are random and the rest the identity (`MixingCurriculum`; all random without)."""
        keys = self.keys(features)
        draws = replicas.uniform((ops.shape(keys)[0], 1, 1), seed=self.keys.seed_generator, dtype=keys.dtype)
        identity = ops.eye(self.group_size, dtype=keys.dtype)
        return ops.where(draws < ops.cast(self.mixed_share, keys.dtype), keys, identity)

    def _ask_cloud(self, mixtures: Tensor, training: bool | None) -> Tensor:
        if not self.shuffle:
            return self.main(mixtures, training=training)
        shuffled, permutation = self.shuffle_groups(mixtures)
        return self.unshuffle_groups(self.main(shuffled, training=training), permutation)

    def compute_output_spec(self, inputs: Tensor, training: bool | None = None) -> keras.KerasTensor:
        return keras.KerasTensor((inputs.shape[0], *self.post.output_shape[1:]), dtype=self.post.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.post.output_shape[1:])

    def unmixed(self) -> keras.Model:
        """Returns the same network (shared weights) without mixing, compiled like this one if this one is."""
        inputs = keras.Input(self.pre.input_shape[1:], dtype=self.pre.inputs[0].dtype)
        plain = keras.Model(inputs, self.post(self.main(self.pre(inputs))), name=f"{self.name}_unmixed")
        if self.compiled:
            plain.compile_from_config(self.get_compile_config())
        return plain

    def get_config(self) -> Config:
        config = {"group_size": self.group_size, "shuffle": self.shuffle, "subtract_constant": self.subtract_constant}
        return {**super().get_config(), **config}
