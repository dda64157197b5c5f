"""The small network on which private inference is compared, its data, and its two trainings.

Convolution, square, dense layer of 64, square, dense layer: the network of TenSEAL's tutorial, which CKKS can evaluate.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json

import numpy as np

GROUP_SIZE, MAPS, UNITS = 8, 4, 64
CONV, SQUARE, SENT, HIDDEN, CLASSIFIER = "conv", "conv_square", "standardize", "hidden", "classifier"
BUILT_IN = "digits"


def digits(dataset: str = BUILT_IN):
    """Gray digits, split into train and test by a hash of their pixels (a fifth is test).

    Args:
        dataset: `"digits"` (scikit-learn's 1,797 of 8 x 8, built in) or `"folder:PATH"` (square pictures of one size,
            as `python -m pipeline.run --dataset folder:PATH` takes them, with one target column).

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 `[n, size, size, 1]`, int32 `[n]`.

    Raises:
        InputError: If the folder cannot be used.
        ValueError: If the name is neither of the two.
    """
    if dataset == BUILT_IN:
        from sklearn.datasets import load_digits

        found = load_digits()
        x, y = np.rint(found.images * (255 / 16)).astype(np.uint8)[..., None], found.target
    elif dataset.startswith("folder:"):
        x, y = _folder(dataset.removeprefix("folder:"))
    else:
        raise ValueError(f"--dataset must be {BUILT_IN} or folder:PATH; received {dataset!r}")
    test = np.array([hashlib.sha256(picture.tobytes()).digest()[0] % 5 == 0 for picture in x])
    y = np.asarray(y, np.int32)
    return (x[~test], y[~test]), (x[test], y[test])


def _folder(path):
    from components.errors import InputError
    from pipeline.datasets.folder import Files
    from serving.edge.preprocess import ImagePreprocessing

    files = Files(path)
    rows = list(csv.DictReader(io.StringIO(files.text("labels.csv"))))
    targets = json.loads(files.text("dataset.json"))["target"] if "dataset.json" in files.names() else list(rows[0])[1:]
    if len(targets) != 1:
        raise InputError(f"folder:{path} must have one target column of classes for this benchmark; it has {targets}")
    from PIL import Image

    with Image.open(io.BytesIO(files.read(f"images/{rows[0]['file']}"))) as first:
        width, height = first.size
    if width != height or not 8 <= width <= 32:
        raise InputError(f"folder:{path} must have square pictures of 8 to 32 pixels; the first is {width} x {height}")
    decode = ImagePreprocessing(height, width, 1)
    classes = sorted({row[targets[0]] for row in rows})
    x = np.stack([decode(files.read(f"images/{row['file']}")) for row in rows])
    return x, [classes.index(row[targets[0]]) for row in rows]


def window(size: int) -> tuple[int, int]:
    """Kernel size and stride of the convolution for pictures of `size` rows and columns."""
    return (7, 3) if size >= 16 else (3, 1)


def network(size: int, classes: int, standardize: bool = False):
    """The untrained network, `[batch, size, size, 1]` pixels from 0 to 255 -> logits `[batch, classes]`.

    Args:
        size: Rows and columns.
        classes: Logits.
        standardize: Whether a batch normalisation without scale and offset stands behind the first square, where
            DataMix mixes (the pipeline's default, `ModelConfig.standardize`).
    """
    import keras
    from keras import layers, ops

    kernel, stride = window(size)
    inputs = keras.Input((size, size, 1))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(MAPS, kernel, stride, name=CONV)(x)
    x = layers.Activation(ops.square, name=SQUARE)(x)
    if standardize:
        x = layers.BatchNormalization(center=False, scale=False, momentum=0.9, name=SENT)(x)
    x = layers.Dense(UNITS, name=HIDDEN)(layers.Flatten()(x))
    x = layers.Activation(ops.square, name="hidden_square")(x)
    return keras.Model(inputs, layers.Dense(classes, name=CLASSIFIER)(x))


def trained(x, y, mixed: bool, epochs: int, seed: int = 0):
    """Trains the network.

    Args:
        x: uint8 `[n, size, size, 1]`.
        y: int32 `[n]`.
        mixed: Whether to train through the mixing.
        epochs: Passes over the data.
        seed: Of initialisation, order and training keys.

    Returns:
        The Keras network, or a `DataMixModel` (convolution and square on the edge, the classifier, too).
    """
    import keras

    from datamix_tf import DataMixModel, split
    from datamix_tf.training.curriculum import MixingCurriculum

    keras.utils.set_random_seed(seed)
    model = network(x.shape[1], int(y.max()) + 1, standardize=mixed)
    callbacks = []
    if mixed:
        model = DataMixModel(*split(model, after=SENT, before=CLASSIFIER), group_size=GROUP_SIZE, seed=seed)
        callbacks = [MixingCurriculum()]
    batch = 8 * GROUP_SIZE
    x, y = x[: len(x) // batch * batch].astype(np.float32), y[: len(y) // batch * batch]  # training takes whole groups
    schedule = keras.optimizers.schedules.CosineDecay(3e-3, epochs * (len(x) // batch))
    # Smoothed labels keep logits small: what CKKS gets wrong grows with the squares.
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile(keras.optimizers.AdamW(schedule, weight_decay=0.01, clipnorm=1.0), loss)
    model.fit(
        x, np.eye(y.max() + 1, dtype=np.float32)[y], batch_size=batch, epochs=epochs, callbacks=callbacks, verbose=0
    )
    return model


def weights_of(model) -> dict[str, np.ndarray]:
    """The plain network as matrices, float64, for CKKS and MPC.

    Returns:
        `conv` `[kernel^2, maps]`, `hidden` `[windows * maps, units]` (rows ordered by map: all windows of map 0,
        then of map 1), `classifier` `[units, classes]`, and their `*_bias`; pixels are expected from 0 to 1.
    """
    kernel, bias = (np.asarray(value, np.float64) for value in model.get_layer(CONV).get_weights())
    hidden, hidden_bias = (np.asarray(value, np.float64) for value in model.get_layer(HIDDEN).get_weights())
    classifier, classifier_bias = (np.asarray(v, np.float64) for v in model.get_layer(CLASSIFIER).get_weights())
    maps = kernel.shape[-1]
    by_map = hidden.reshape(-1, maps, hidden.shape[1]).transpose(1, 0, 2).reshape(hidden.shape)
    return {
        "conv": kernel.reshape(-1, maps),
        "conv_bias": bias,
        "hidden": by_map,
        "hidden_bias": hidden_bias,
        "classifier": classifier,
        "classifier_bias": classifier_bias,
    }


def windows(picture, size: int) -> np.ndarray:
    """The windows under the convolution's kernel, float64 `[windows, kernel^2]` from 0 to 1, of a uint8 picture."""
    kernel, stride = window(size)
    views = np.lib.stride_tricks.sliding_window_view(picture.reshape(size, size) / 255.0, (kernel, kernel))
    return views[::stride, ::stride].reshape(-1, kernel * kernel)


def logits(weights: dict[str, np.ndarray], picture, size: int) -> np.ndarray:
    """The network by hand, in float64, for one picture: `[classes]`."""
    x = (windows(picture, size) @ weights["conv"] + weights["conv_bias"]) ** 2
    x = (x.T.ravel() @ weights["hidden"] + weights["hidden_bias"]) ** 2
    return x @ weights["classifier"] + weights["classifier_bias"]
