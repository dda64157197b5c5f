"""What `datamix_tf.transmission` and the attacks need to know of a model whose edge mixes groups of features."""

from __future__ import annotations

import copy
from typing import Any, ClassVar, Self

import keras

from datamix_tf.groups import batch_size_message, rows_of_refused_batch
from datamix_tf.typing import Config


class MixingModel(keras.Model):
    """The base of models in which the edge runs `pre`, mixes groups of its features, and the cloud runs `main`.

    A model of your own that mixes is one of these: everything that is sent of it, and every attack, follows.

    Class attributes:
        PARTS: Names of the attributes that are models; they are saved with it.
        orthogonal: Whether keys are orthogonal, so that attacks on a group's key have a meaning.
        classifies_in_cloud: Whether `main` ends with the classifier.

    Attributes:
        pre: `[batch, ...] -> features [batch, ...]`.
        main: From mixtures to answers.
        group_size: Inputs mixed with each other (S_G).
    """

    PARTS: ClassVar[tuple[str, ...]]
    orthogonal: ClassVar[bool] = False
    classifies_in_cloud: ClassVar[bool] = False
    pre: keras.Model
    main: keras.Model
    group_size: int

    def new_keys(self, seed: int | None = None) -> keras.layers.Layer:
        """A layer that draws keys as the edge does: features `[batch, ...]` -> keys `[groups, group_size, ...]`."""
        raise NotImplementedError

    def get_config(self) -> Config:
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.PARTS}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> Self:
        config = copy.deepcopy(config)  # Keras takes apart what it is given
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
            for name in cls.PARTS
        }
        return cls(**{**config, **parts})

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """As Keras's `fit`; a batch that is no whole number of groups is one short error on every backend.

        Raises:
            ValueError: If a batch is not a multiple of the group size, such as the last one of an epoch.
        """
        try:
            return super().fit(*args, **kwargs)
        except Exception as error:
            rows = rows_of_refused_batch(error)
            if rows is None:
                raise
            raise ValueError(batch_size_message(rows, self.group_size)) from None

    def unmixed(self) -> keras.Model:
        """The same network (shared weights) without mixing."""
        raise NotImplementedError

    def export(self, filepath: str, *args: Any, **kwargs: Any) -> Any:
        """Exports the network without mixing (`unmixed`), as Keras's `export` does: keys are in no file.

        What a cloud serves is `main` alone (`serving.cloud.saved_model.export_main`).

        Args:
            filepath: Folder of the SavedModel, or as `format` says.
            *args: As in Keras.
            **kwargs: As in Keras.

        Returns:
            What Keras's `export` returns.
        """
        return self.unmixed().export(filepath, *args, **kwargs)
