"""From the bytes of a picture file to 8-bit pixels: formats, ranges, orientation, transparency."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from serving.edge.errors import BadInputError

try:
    from PIL.AvifImagePlugin import SUPPORTED as AVIF
except ImportError:  # Pillow before 11.3
    AVIF = False

#: Pillow's names of the formats that are read; others that it knows call other programs or are no pictures of cameras.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", *(("AVIF",) if AVIF else ()))
#: Largest picture that is decoded, 64 megapixels: 256 MB with four bytes for a pixel, as Pillow has them, and as much
#: again while it is converted.
MAX_PIXELS = 64_000_000
#: What shows through transparent pixels.
BACKGROUND = "white"
_STRIP = 1 << 20  # pixels that are converted at once
_BITS_PER_SAMPLE = 258  # TIFF's tag
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is lower
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def decode(content: bytes, channels: int) -> Image.Image:
    """Decodes a picture.

    16-bit numbers are scaled from 0 to 65,535, fewer bits from their own range, floats from 0 to 1; transparent pixels
    show `BACKGROUND`; the orientation that EXIF tells is applied; of several frames the first is taken.

    Args:
        content: The file's bytes, in one of `FORMATS`.
        channels: 3 for RGB, 1 for gray.

    Returns:
        A picture of mode `RGB` or `L`.

    Raises:
        BadInputError: If it is damaged, cut off, of another format, too large, or has numbers of an unknown range.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            _check_size(opened.size)
            opened.load()
            _turn(opened)
            return _opaque(_in_bytes(opened, _bits(opened)), "RGB" if channels == 3 else "L")
    except BadInputError:
        raise
    except Image.DecompressionBombError:
        raise BadInputError(f"the picture has more than {MAX_PIXELS // 10**6} megapixels; make it smaller") from None
    except UnidentifiedImageError:
        raise BadInputError(_unknown(content)) from None
    except MemoryError:
        raise BadInputError("not a readable picture: decoding it takes more memory than there is") from None
    except Exception as error:  # decoders throw whatever their parsers throw
        raise BadInputError(f"not a readable picture: {str(error) or type(error).__name__}") from error


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise BadInputError(
            f"the picture has {size[0]} x {size[1]} pixels; at most {MAX_PIXELS // 10**6} megapixels are decoded: make "
            "it smaller"
        )


def _turn(image: Image.Image) -> None:
    """Turns a picture as it should be seen. EXIF that cannot be read tells no orientation."""
    with contextlib.suppress(Exception):  # after the turn Pillow writes the EXIF anew, which may fail, too
        ImageOps.exif_transpose(image, in_place=True)


def _bits(image: Image.Image) -> int:
    """Bits of each number in the file, for modes that do not tell."""
    tags = getattr(image, "tag_v2", {})  # a TIFF's; PNG and PPM of these modes are scaled to 16 bits
    return tags.get(_BITS_PER_SAMPLE, (16,))[0]


def _in_bytes(image: Image.Image, bits: int) -> Image.Image:
    """Numbers of other ranges than 0 to 255, which Pillow would clip, scaled by the range of their mode."""
    if not image.mode.startswith(("I", "F")):
        return image
    ends = [(values.min(), values.max()) for values in (np.asarray(strip) for _, strip in _strips(image))]
    lowest, highest = min(low for low, _ in ends), max(high for _, high in ends)
    if not np.isfinite(ends).all():
        raise BadInputError("the picture has numbers that are not finite")
    if image.mode == "F":
        most, expected = 1, "0 to 1"
        known = lowest >= 0 and highest <= 1
    elif bits > 16:
        most, expected = 65535, "0 to 65,535, and beyond 255, where it cannot be told from that of 8 bits"
        known = lowest >= 0 and highest <= most and not 0 < highest <= 255
    else:
        most, expected = 2**bits - 1, f"0 to {2**bits - 1:,}"
        known = lowest >= 0 and highest <= most
    if not known:
        raise BadInputError(
            f"the picture has numbers from {lowest:g} to {highest:g}; expected the range {expected}: save it with 8 or "
            "16 bits"
        )
    whole = Image.new("L", image.size)
    for top, strip in _strips(image):
        scaled = np.asarray(strip).astype(np.float32)
        scaled *= 255 / most
        whole.paste(Image.fromarray(np.rint(scaled, out=scaled).astype(np.uint8)), (0, top))
    return whole


def _opaque(image: Image.Image, mode: str) -> Image.Image:
    if not image.has_transparency_data:
        return image if image.mode == mode else image.convert(mode)
    whole = Image.new(mode, image.size)
    for top, strip in _strips(image):
        layer = strip.convert("RGBA")
        whole.paste(Image.alpha_composite(Image.new("RGBA", layer.size, BACKGROUND), layer).convert(mode), (0, top))
    return whole


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Some rows at a time, and where they begin: copies of a large picture would take several times its size."""
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(image.height, top + rows)))


def _unknown(content: bytes) -> str:
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        return "HEIC pictures are not read: save it as JPEG or PNG"
    if content[4:8] == b"ftyp" and content[8:12] in (b"avif", b"avis"):
        return "this Pillow does not read AVIF: install Pillow 11.3 or later, or save it as JPEG or PNG"
    return f"not a readable picture: it is none of {', '.join(FORMATS)}, or its beginning is damaged"
