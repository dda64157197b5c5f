import base64

import numpy as np
import pytest

from components.report.sound import audible, wav_uri
from serving.edge.preprocess import SpeechPreprocessing


@pytest.mark.parametrize("bands", [64, 0])
def test_an_inverted_spectrogram_sounds_like_the_recording(bands):
    preprocessing = SpeechPreprocessing(bands=bands)
    time = np.arange(16000) / 16000
    signal = 0.3 * np.sin(2 * np.pi * (300 + 400 * time) * time) * np.exp(-((time - 0.5) ** 2) / 0.02)

    def image(samples):
        return preprocessing(base64.b64decode(wav_uri(samples, 16000).partition(",")[2]))

    known = image(signal)
    again = image(np.pad(audible(known, preprocessing), (0, 16000))[:16000])
    frames = known.std(0)[:, 0] > 0.5  # silence has no shape
    assert np.corrcoef(known[:, frames].ravel(), again[:, frames].ravel())[0, 1] > 0.9
