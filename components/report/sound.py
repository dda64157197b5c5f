"""Spectrograms made audible again, as WAV files in data URIs.

The log-mel spectrogram keeps neither phases nor single frequencies, so that a sound can only be guessed from it: mel
bands are spread over frequencies by non-negative least squares, phases are found as Griffin and Lim do (Signal
estimation from modified short-time Fourier transform, 1984).
"""

from __future__ import annotations

import base64
import io
import wave

import numpy as np
from scipy.optimize import nnls

from serving.edge.preprocess import SpeechPreprocessing, mel_weights

ITERATIONS = 40
LOUDEST = 0.5


def audible(image, preprocessing: SpeechPreprocessing, seed=0) -> np.ndarray:
    """A recording whose spectrogram is near a given one.

    Args:
        image: `[frequencies, frames, 1]`, natural logarithm of power, as the preprocessing makes it.
        preprocessing: What made it.
        seed: Seed of the phases to begin with.

    Returns:
        Samples, float64 in [-1, 1], as loud as they can be within `LOUDEST`.
    """
    length, step = preprocessing.frame_length, preprocessing.frame_step
    power = np.maximum(np.exp(np.asarray(image, np.float64)[..., 0].T) - preprocessing.floor, 0)
    if preprocessing.bands:
        filters = mel_weights(length, preprocessing.bands, preprocessing.sample_rate)
        power = np.stack([nnls(filters.T, frame)[0] for frame in power])
    magnitudes = np.sqrt(power)
    phases = np.exp(2j * np.pi * np.random.default_rng(seed).random(magnitudes.shape))
    for _ in range(ITERATIONS):
        signal = _overlapped(magnitudes * phases, length, step)
        phases = np.exp(1j * np.angle(_framed(signal, length, step)))
    signal = _overlapped(magnitudes * phases, length, step)
    return LOUDEST * signal / max(np.abs(signal).max(), 1e-9)


def wav_uri(signal, sample_rate: int) -> str:
    """Samples in [-1, 1] as the data URI of a 16-bit WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, sample_rate, len(signal), "NONE", ""))
        writer.writeframes((32767 * np.clip(signal, -1, 1)).astype("<i2").tobytes())
    return "data:audio/wav;base64," + base64.b64encode(file.getvalue()).decode()


def _window(length):
    return np.hanning(length + 1)[:-1]


def _framed(signal, length, step):
    frames = np.lib.stride_tricks.sliding_window_view(signal, length)[::step]
    return np.fft.rfft(frames * _window(length))


def _overlapped(spectrum, length, step):
    """The signal whose frames are nearest to `spectrum` in the mean square."""
    frames = np.fft.irfft(spectrum, length) * _window(length)
    signal, weight = np.zeros((2, length + step * (len(frames) - 1)))
    for index, frame in enumerate(frames):
        signal[index * step : index * step + length] += frame
        weight[index * step : index * step + length] += _window(length) ** 2
    return signal / np.maximum(weight, 1e-3)
