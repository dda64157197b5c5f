"""Arrays as pictures: PNG files in data URIs."""

from __future__ import annotations

import base64
import io
import math

import numpy as np

LEAST_PIXELS = 96


def png_uri(pixels) -> str:
    """uint8 `[rows, columns, 3]` as the data URI of a PNG, scaled up by whole numbers to be seen well."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    scale = max(1, math.ceil(LEAST_PIXELS / max(picture.size)))
    picture = picture.resize((scale * picture.width, scale * picture.height), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return embedded(buffer.getvalue())


def embedded(png: bytes) -> str:
    """A PNG as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def photo(x) -> np.ndarray:
    """A picture in raw units, `[rows, columns, 1 or 3]`, as pixels."""
    pixels = np.clip(np.asarray(x), 0, 255).astype(np.uint8)
    return pixels if pixels.shape[-1] == 3 else pixels[..., :1].repeat(3, -1)


def spectrogram(x, low: float, high: float) -> np.ndarray:
    """A log-spectrogram `[frequencies, frames, 1]` as pixels, low frequencies at the bottom, in colours of `low` to
    `high`."""
    return _coloured(np.asarray(x)[::-1, :, 0], low, high, "magma")


class FeaturePictures:
    """Draws features of one group alike: along the direction of their channels in which they differ most.

    Maps are drawn as they lie; vectors are laid out in a block.

    Args:
        features: The group's features `[n, ...]`, which decide on direction and range of colours.
    """

    def __init__(self, features):
        rows = np.asarray(features, np.float64).reshape(-1, np.shape(features)[-1])
        self.flat = np.ndim(features) == 2
        self.direction = np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][0] if not self.flat else None
        values = np.asarray(features) if self.flat else np.asarray(features) @ self.direction
        self.low, self.high = np.percentile(values, (1, 99))

    def draw(self, feature) -> np.ndarray:
        """One feature as pixels."""
        if not self.flat:
            return _coloured(np.asarray(feature) @ self.direction, self.low, self.high, "gray")
        columns = math.ceil(math.sqrt(len(feature)))
        block = np.full(columns * math.ceil(len(feature) / columns), self.low)
        block[: len(feature)] = feature
        return _coloured(block.reshape(-1, columns), self.low, self.high, "gray")


def _coloured(values, low, high, colours):
    import matplotlib

    scaled = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
    return (255 * matplotlib.colormaps[colours](scaled)[..., :3]).astype(np.uint8)
