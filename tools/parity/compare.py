"""Compares this project's functions with the reference values, number by number.

    python -m tools.parity.compare VALUES.npz

Prints each function with its largest difference, relative to the largest reference value; fails above the bound of
float32 arithmetic.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

BOUND = 1e-5
RATE, LENGTH, STEP, BANDS = 16000, 512, 245, 64


def gaussian_blur(values):
    from datamix_tf.layers import GaussianBlur

    return GaussianBlur(sigma=1.3, size=7)(values["in"])


def instance_normalization(values):
    import keras

    return keras.layers.GroupNormalization(groups=-1, center=False, scale=False)(values["in"])


def sgd_decoupled(values):
    import keras

    variable = keras.Variable(values["in_start"])
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9, weight_decay=1e-2)
    results = []
    for gradient in values["in_gradients"]:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        results.append(keras.ops.convert_to_numpy(variable))
    return np.stack(results)


def cosine_decay(values):
    from datamix_tf.training.schedules import WarmupCosine

    schedule = WarmupCosine(0.1, 40, 10)
    return np.array([float(schedule(step)) for step in values["in"]])


def spectrogram(values):
    """The reference pads a last frame with zeros; only whole frames count here."""
    from serving.edge.preprocess import spectrogram

    result = spectrogram(values["in"].astype("float64"), LENGTH, STEP)
    values["out"] = values["out"][: len(result)]
    return result


def mel_spectrogram(values):
    from serving.edge.preprocess import mel_weights

    return values["in"] @ mel_weights(LENGTH, BANDS, RATE)


def masking(axis):
    """The reference draws the span; ours is told the same one."""

    def masked(values):
        from datamix_tf.layers.masking import mask_span

        blank = (values["out"] == 0).all(axis=1 if axis == 2 else 2)
        start, width = np.where(blank.any(1), blank.argmax(1), 0), blank.sum(1)
        inputs = np.repeat(values["in"][None], len(blank), axis=0)
        return mask_span(inputs, axis, start.astype("int32"), width.astype("int32"))

    return masked


# tensorflow-io's spectrograms are [frames, frequencies].
FUNCTIONS = {
    "gaussian_blur": gaussian_blur,
    "instance_normalization": instance_normalization,
    "sgd_decoupled": sgd_decoupled,
    "cosine_decay": cosine_decay,
    "spectrogram": spectrogram,
    "mel_spectrogram": mel_spectrogram,
    "frequency_masking": masking(2),
    "time_masking": masking(1),
}


def differences(path: str) -> dict[str, float]:
    """For each function, the largest absolute difference to the reference over the largest absolute reference."""
    with np.load(path) as stored:
        found = {key: stored[key] for key in stored.files}
    results = {}
    for name, function in FUNCTIONS.items():
        values = {key.partition("/")[2]: value for key, value in found.items() if key.startswith(f"{name}/")}
        ours = np.asarray(function(values), "float64")
        reference = values["out"].astype("float64")
        if ours.shape != reference.shape:
            raise ValueError(f"{name}: expected the shape {reference.shape}, received {ours.shape}")
        results[name] = float(np.abs(ours - reference).max() / np.abs(reference).max())
    return results


def main(path: str) -> int:
    results = differences(path)
    for name, difference in results.items():
        print(f"{name:24} largest difference {difference:.1e} {'' if difference <= BOUND else f'(above {BOUND})'}")
    return int(max(results.values()) > BOUND)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
