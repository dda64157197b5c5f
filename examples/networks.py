"""The small network of the examples, plain and split for mixing."""

from __future__ import annotations

import keras

from datamix_tf import DataMixModel, MixingCurriculum, split


def network(pictures, obfuscation=None):
    """A small convolutional network that returns logits `[batch, labels]`.

    Args:
        pictures: The `examples.data.Data` that it is for.
        obfuscation: Optional `Obfuscation` layer, put behind the normalisation: what runs on the edge.
    """
    layers = keras.layers
    inputs = keras.Input(pictures.schema.shape)
    x = pictures.normalization()(inputs)
    x = obfuscation(x) if obfuscation is not None else x
    for index, filters in enumerate((16, 32, 64)):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.MaxPooling2D(2, name=f"pool{index}")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, layers.Dense(pictures.task.outputs, name="classifier")(x))


def datamix(pictures, group_size: int, seed: int):
    """The same network whose features are mixed behind the first convolution, a `DataMixModel`."""
    parts = split(network(pictures), after="pool0", before="classifier")
    return DataMixModel(*parts, group_size=group_size, seed=seed)


def fit(model, pictures, epochs: int, group_size: int):
    """Trains a model on the train split in whole groups, one that mixes with a curriculum; returns it."""
    x, y = pictures.target["train"]
    whole = len(x) - len(x) % group_size
    model.compile(keras.optimizers.AdamW(2e-3, weight_decay=0.01), pictures.task.loss(), jit_compile=False)
    # Made here, the optimizer's variables are not traced one by one.
    model.optimizer.build(model.trainable_variables)
    model.fit(
        x[:whole].astype("float32"),
        y[:whole],
        batch_size=4 * group_size,
        epochs=epochs,
        callbacks=[MixingCurriculum(0.3)] if isinstance(model, DataMixModel) else [],
        verbose=0,
    )
    return model
