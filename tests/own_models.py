"""Models of a user's own, as transfer learning makes them."""

import keras
from keras import layers

SHAPE = (16, 16, 3)


def base(size=SHAPE, name="base"):
    inputs = keras.Input(size)
    x = layers.Rescaling(1 / 127.5, -1, name="scale")(inputs)
    x = layers.Conv2D(6, 3, 2, name="conv")(x)
    x = layers.BatchNormalization(name="norm", momentum=0.99)(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Conv2D(24, 3, 2, name="deep")(x)
    return keras.Model(inputs, layers.GlobalAveragePooling2D(name="pool")(x), name=name)


def transfer(classes=5, activation="softmax", size=SHAPE):
    """A frozen base, called as in inference, and a head, as transfer learning has them."""
    inputs, inner = keras.Input(size), base(size)
    inner.trainable = False
    x = layers.Dropout(0.2, name="drop")(inner(inputs, training=False))
    return keras.Model(inputs, layers.Dense(classes, activation, name="head")(x), name="transfer")


def saved(folder, name="own.keras", **options):
    """The path of a saved one."""
    keras.utils.set_random_seed(0)
    path = str(folder / name)
    transfer(**options).save(path)
    return path
