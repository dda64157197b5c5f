"""Writes the reference values: what tensorflow-addons, tensorflow-io and Keras 2 make of fixed inputs.

    python reference.py OUTPUT.npz

Runs in the environment of requirements.txt alone (`make parity` sees to it). Every function writes `<name>/in...`,
its inputs, and `<name>/out...`, its results; `tools.parity.compare` feeds the inputs to this project's functions.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa
import tensorflow_io as tfio

RATE, LENGTH, STEP, BANDS = 16000, 512, 245, 64


def gaussian_blur(random):
    x = random.normal(size=(2, 12, 10, 3)).astype("float32")
    return {"in": x, "out": tfa.image.gaussian_filter2d(x, (7, 7), 1.3, padding="REFLECT")}


def instance_normalization(random):
    x = random.normal(size=(2, 6, 5, 4)).astype("float32") * 3 + 1
    return {"in": x, "out": tfa.layers.InstanceNormalization(center=False, scale=False, epsilon=1e-3)(x)}


def sgd_decoupled(random):
    """Momentum 0.9; the decay of tensorflow-addons is not multiplied by the learning rate, Keras's is."""
    start = random.normal(size=(5,)).astype("float32")
    gradients = random.normal(size=(10, 5)).astype("float32")
    variable = tf.Variable(start)
    optimizer = tfa.optimizers.SGDW(weight_decay=0.05 * 1e-2, learning_rate=0.05, momentum=0.9)
    results = []
    for gradient in gradients:
        optimizer.apply_gradients([(tf.constant(gradient), variable)])
        results.append(variable.numpy())
    return {"in_start": start, "in_gradients": gradients, "out": np.stack(results)}


def cosine_decay(random):
    steps = np.arange(0, 60, dtype="float32")
    schedule = tf.keras.optimizers.schedules.CosineDecay(0.0, 40, warmup_target=0.1, warmup_steps=10)
    return {"in": steps, "out": np.array([float(schedule(step)) for step in steps], "float32")}


def spectrogram(random):
    signal = random.normal(size=(4000,)).astype("float32")
    return {"in": signal, "out": tfio.audio.spectrogram(signal, nfft=LENGTH, window=LENGTH, stride=STEP)}


def mel_spectrogram(random):
    magnitudes = np.abs(random.normal(size=(7, LENGTH // 2 + 1))).astype("float32")
    return {"in": magnitudes, "out": tfio.audio.melscale(magnitudes, rate=RATE, mels=BANDS, fmin=20, fmax=RATE // 2)}


def masking(function):
    def masked(random):
        x = random.uniform(1, 2, size=(20, 30)).astype("float32")
        results = []
        for seed in range(8):
            tf.random.set_seed(seed)
            results.append(function(tf.constant(x), param=10).numpy())
        return {"in": x, "out": np.stack(results)}

    return masked


FUNCTIONS = {
    "gaussian_blur": gaussian_blur,
    "instance_normalization": instance_normalization,
    "sgd_decoupled": sgd_decoupled,
    "cosine_decay": cosine_decay,
    "spectrogram": spectrogram,
    "mel_spectrogram": mel_spectrogram,
    "frequency_masking": masking(tfio.audio.freq_mask),
    "time_masking": masking(tfio.audio.time_mask),
}

if __name__ == "__main__":
    values = {}
    for name, function in FUNCTIONS.items():
        for key, value in function(np.random.default_rng(0)).items():
            values[f"{name}/{key}"] = np.asarray(value)
    np.savez_compressed(sys.argv[1], **values)
    print(f"wrote {len(FUNCTIONS)} functions to {sys.argv[1]}")
