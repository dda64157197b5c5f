"""From a file to the numbers that M_pre takes: the one definition, for training and for the edge.

NumPy and Pillow only, because it runs on the edge. Normalisation is not here: its statistics live inside M_pre.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from serving.edge import recordings
from serving.edge.errors import BadInputError as BadInputError  # what a preprocessing raises

MAX_SIZE = 16_384  # pixels
MAX_SAMPLES = 2**24


def _check(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}. Received: {value}")


@dataclasses.dataclass(frozen=True)
class ImagePreprocessing:
    """Decode, crop to the aspect ratio around the centre, resize.

    Attributes:
        height: Rows of the result, in pixels.
        width: Columns of the result, in pixels.
        channels: 3 for RGB, 1 for gray.
        crop: Rows and columns, in pixels around the centre, that are kept of a picture first; `None`: all. Of a smaller
            picture all that there is.
    """

    height: int = 64
    width: int = 64
    channels: int = 3
    crop: tuple[int, int] | None = None
    kind: str = "image"
    dtype: str = "uint8"

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            _check(name, getattr(self, name), 1, MAX_SIZE)
        for size in self.crop or ():
            _check("crop", size, 1, MAX_SIZE)
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3. Received: {self.channels}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)` of the result."""
        return (self.height, self.width, self.channels)

    def __call__(self, content: bytes) -> np.ndarray:
        """Decodes a picture.

        Args:
            content: The bytes of a file in one of `serving.edge.pictures.FORMATS`.

        Returns:
            uint8 `[height, width, channels]`, values 0 to 255.

        Raises:
            BadInputError: If the picture cannot be decoded (`serving.edge.pictures.decode`).
        """
        from PIL import Image, ImageOps

        from serving.edge import pictures

        image = pictures.decode(content, self.channels)
        if self.crop:
            rows, columns = (min(pair) for pair in zip(self.crop, (image.height, image.width), strict=True))
            left, top = (image.width - columns) // 2, (image.height - rows) // 2
            image = image.crop((left, top, left + columns, top + rows))
        image = ImageOps.fit(image, (self.width, self.height), Image.Resampling.BILINEAR)
        return np.asarray(image, np.uint8).reshape(self.shape)


@dataclasses.dataclass(frozen=True)
class SpeechPreprocessing:
    """Decode a one-channel WAV file, cut or pad it to one length, take the log-spectrogram.

    Attributes:
        sample_rate: Samples per second that a file must have.
        samples: Length that a recording is cut or padded (with silence) to.
        frame_length: Samples in a frame; frames are Hann-windowed.
        frame_step: Samples between the starts of frames.
        centred: Whether frames are centred at every `frame_step` samples from the first to behind the last, the signal
            mirrored at its ends; else only whole frames are taken.
        bands: Mel bands (HTK scale, triangular, 20 Hz to half the sample rate); 0 keeps the linear frequencies.
        floor: Power added before the logarithm. It drowns the noise of microphones, which tells nothing about the word
            but something about the speaker.
    """

    sample_rate: int = 16000
    samples: int = 16000
    frame_length: int = 512
    frame_step: int = 245
    bands: int = 64
    floor: float = 1e-2
    kind: str = "audio"
    dtype: str = "float32"
    centred: bool = False

    def __post_init__(self) -> None:
        for name, least, most in (
            ("sample_rate", 1, 1_000_000),
            ("samples", 2, MAX_SAMPLES),
            ("frame_length", 2, MAX_SAMPLES),
            ("frame_step", 1, MAX_SAMPLES),
            ("bands", 0, self.frame_length // 2 + 1),
        ):
            _check(name, getattr(self, name), least, most)
        if self.frame_length > self.samples + 2 * self._around:
            raise ValueError(f"frame_length must be at most samples, {self.samples}. Received: {self.frame_length}")
        if not 0 < self.floor < float("inf"):
            raise ValueError(f"floor must be above 0. Received: {self.floor}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(bands, frames, 1)` of the result."""
        frames = 1 + (self.samples + 2 * self._around - self.frame_length) // self.frame_step
        return (self.bands or self.frame_length // 2 + 1, frames, 1)

    def __call__(self, content: bytes) -> np.ndarray:
        """Decodes a recording.

        Args:
            content: The bytes of a WAV file, one channel, 16-bit PCM (`serving.edge.recordings`).

        Returns:
            float32 `[frequencies, frames, 1]`, natural logarithm of power.

        Raises:
            BadInputError: If the file is damaged, empty, or of another rate, width or number of channels.
        """
        signal = self.decode(content)
        signal = np.pad(signal[: self.samples], (0, max(0, self.samples - len(signal))))
        signal = np.pad(signal, self._around, mode="reflect")
        power = spectrogram(signal, self.frame_length, self.frame_step) ** 2
        if self.bands:
            power = power @ mel_weights(self.frame_length, self.bands, self.sample_rate)
        return np.log(power + self.floor).T.astype(np.float32)[..., None]

    @property
    def _around(self) -> int:
        """Samples by which the signal is mirrored at each end."""
        return self.frame_length // 2 if self.centred else 0

    def decode(self, content: bytes) -> np.ndarray:
        """The samples of a WAV file, float64 in [-1, 1) (`serving.edge.recordings.decode`)."""
        return recordings.decode(content, self.sample_rate)


def spectrogram(signal: np.ndarray, frame_length: int, frame_step: int) -> np.ndarray:
    """Magnitudes `[frames, frame_length // 2 + 1]` of whole frames under a periodic Hann window (`tf.signal.stft`)."""
    frames = np.lib.stride_tricks.sliding_window_view(signal, frame_length)[::frame_step]
    return np.abs(np.fft.rfft(frames * np.hanning(frame_length + 1)[:-1]))


@functools.lru_cache
def mel_weights(frame_length: int, bands: int, sample_rate: int) -> np.ndarray:
    """Mel filters from 20 Hz on, float64 `[frame_length // 2 + 1, bands]`.

    Triangles on the mel scale (HTK's: 2595 log10(1 + f / 700)), as `tf.signal.linear_to_mel_weight_matrix`.
    """

    def mel(hertz: Any) -> Any:
        return 2595 * np.log10(1 + hertz / 700)

    corners = np.linspace(mel(20), mel(sample_rate / 2), bands + 2)
    places = mel(np.fft.rfftfreq(frame_length, 1 / sample_rate))[:, None]
    rising = (places - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - places) / (corners[2:] - corners[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


_KINDS = {"image": ImagePreprocessing, "audio": SpeechPreprocessing}


def to_config(preprocessing: ImagePreprocessing | SpeechPreprocessing) -> dict:
    """A JSON-ready description, from which `from_config` makes the same preprocessing.

    Without a crop none is told, so that clients of before there was one read it, too.
    """
    told = dataclasses.asdict(preprocessing)
    crop = told.pop("crop", None)
    return told | ({"crop": list(crop)} if crop else {})


def from_config(config: dict) -> ImagePreprocessing | SpeechPreprocessing:
    """The preprocessing that `to_config` described.

    Raises:
        ValueError: If its kind is not known, or a field is not known or cannot have its value.
    """
    import msgspec

    kind = config.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"Preprocessing kind must be one of {sorted(_KINDS)}. Received: {kind!r}")
    if unknown := config.keys() - {field.name for field in dataclasses.fields(_KINDS[kind])}:
        raise ValueError(f"Preprocessing of the kind {kind} has no {', '.join(sorted(map(str, unknown)))}")
    return msgspec.convert(config, _KINDS[kind])
