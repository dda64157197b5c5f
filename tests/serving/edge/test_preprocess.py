import io
import json

import numpy as np
import pytest
from PIL import Image
from scipy import signal

from serving.edge import preprocess
from serving.edge.preprocess import (
    BadInputError,
    ImagePreprocessing,
    SpeechPreprocessing,
    from_config,
    mel_weights,
    to_config,
)
from tests.datasets import recording


def encoded(image, form="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def test_a_picture_of_the_right_size_is_untouched():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(ImagePreprocessing()(encoded(Image.fromarray(pixels))), pixels)


def test_cropping_keeps_the_middle_and_the_aspect_ratio():
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = 255  # the middle square
    assert (ImagePreprocessing(50, 50)(encoded(Image.fromarray(pixels)))[:, 2:-2] == 255).all()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_other_modes_become_rgb(mode):
    form = "TIFF" if mode == "CMYK" else "PNG"
    assert ImagePreprocessing(20, 30)(encoded(Image.new(mode, (40, 40)), form)).shape == (20, 30, 3)


def test_gray_output():
    assert ImagePreprocessing(8, 8, channels=1)(encoded(Image.new("RGB", (9, 9)))).shape == (8, 8, 1)


@pytest.mark.parametrize("content", [b"", b"not a picture", encoded(Image.new("RGB", (50, 50)))[:60]])
def test_damaged_pictures_are_explained(content):
    with pytest.raises(BadInputError, match="not a readable picture"):
        ImagePreprocessing()(content)


def test_the_spectrogram_is_scipys():
    content = recording(700, np.random.default_rng(0))
    preprocessing = SpeechPreprocessing(bands=0)
    length, step = preprocessing.frame_length, preprocessing.frame_step
    transform = signal.ShortTimeFFT(signal.windows.hann(length, sym=False), step, 16000)
    # scipy centres its frame p on sample p * step, ours begins there: half a frame apart.
    wave = preprocessing.decode(content)
    power = np.abs(transform.stft(wave, p0=0, p1=preprocessing.shape[1], k_offset=length // 2)) ** 2
    np.testing.assert_allclose(
        preprocessing(content)[..., 0], np.log(power + preprocessing.floor), rtol=1e-4, atol=1e-4
    )


def test_a_tone_lights_its_band():
    spectrogram = SpeechPreprocessing()(recording(1000, np.random.default_rng(0)))
    assert spectrogram.shape == (64, 64, 1) and spectrogram.dtype == np.float32
    corners = mel_weights(512, 64, 16000)
    band = int(np.argmax(corners[round(1000 * 512 / 16000)]))
    assert abs(int(spectrogram.mean(1).argmax()) - band) <= 1


def test_mel_bands_cover_the_frequencies_between_their_ends():
    weights = mel_weights(1024, 40, 16000)
    assert weights.min() >= 0 and weights.max() <= 1
    assert (weights.sum(0) > 0).all()
    inner = slice(weights[:, 0].argmax() + 1, weights[:, -1].argmax())
    np.testing.assert_allclose(weights[inner].sum(1), 1, atol=1e-9)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0])
def test_recordings_of_any_length_have_one_shape(seconds):
    assert SpeechPreprocessing()(recording(500, np.random.default_rng(0), seconds=seconds)).shape == (64, 64, 1)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"RIFF", "not a readable WAV"),
        (
            recording(500, np.random.default_rng(0), rate=8000),
            "expected 16000 Hz, 1 channel, 16 bits; the file has 8000",
        ),
        (recording(500, np.random.default_rng(0))[:1000], "cut off: 478 of 16000 samples"),
    ],
)
def test_damaged_recordings_are_explained(content, text):
    with pytest.raises(BadInputError, match=text):
        SpeechPreprocessing()(content)


@pytest.mark.parametrize("preprocessing", [ImagePreprocessing(10, 20), SpeechPreprocessing(bands=0)])
def test_a_config_makes_the_same_preprocessing(preprocessing):
    assert from_config(to_config(preprocessing)) == preprocessing


def test_an_unknown_config_is_explained():
    with pytest.raises(ValueError, match="Preprocessing kind"):
        from_config({"kind": "smell"})


def test_centred_frames_reach_both_ends():
    """161 x 201: 20 ms every 5 ms of one second, frame k around sample 80 k; the rest is as without."""
    preprocessing = SpeechPreprocessing(frame_length=320, frame_step=80, bands=0, centred=True)
    content = recording(1000, np.random.default_rng(0))
    spectrogram = preprocessing(content)
    assert spectrogram.shape == preprocessing.shape == (161, 201, 1)
    whole = SpeechPreprocessing(frame_length=320, frame_step=80, bands=0)(content)
    np.testing.assert_array_equal(spectrogram[:, 2 : 2 + whole.shape[1]], whole)


def test_a_crop_keeps_the_middle_before_it_resizes():
    """Of 40 x 30 pixels the middle 20 x 10: 10 rows and columns from each border are left out."""
    pixels = np.zeros((40, 30, 3), np.uint8)
    pixels[10:30, 10:20] = 200
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    cropped = preprocess.ImagePreprocessing(10, 5, crop=(20, 10))
    assert (cropped(file.getvalue()) == 200).all()
    assert not (preprocess.ImagePreprocessing(10, 5)(file.getvalue()) == 200).all()
    # A smaller picture is taken whole.
    whole = [preprocess.ImagePreprocessing(20, 15, crop=crop)(file.getvalue()) for crop in ((100, 100), None)]
    np.testing.assert_array_equal(*whole)
    assert preprocess.from_config(json.loads(json.dumps(preprocess.to_config(cropped)))) == cropped
    assert "crop" not in preprocess.to_config(preprocess.ImagePreprocessing())
