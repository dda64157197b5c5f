"""Pictures as cameras, scanners and programs write them: the same pixels, or one line that says why not."""

import io
import os
import struct
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from serving.edge import pictures
from serving.edge.errors import BadInputError
from serving.edge.preprocess import ImagePreprocessing
from tests.conftest import REPOSITORY

RAMP = np.tile(np.linspace(0, 255, 64).round().astype(np.uint8), (64, 1))


def encoded(image, form="PNG", **options):
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, form, **options)
    return buffer.getvalue()


def pgm(values, most):
    return b"P5 %d %d %d\n" % (values.shape[1], values.shape[0], most) + values.astype(">u2").tobytes()


def tiff(values, bits):
    """A TIFF by hand: one strip of unsigned numbers of 12 bits, which Pillow reads and does not write."""
    packed = bytearray()
    for first, second in values.reshape(-1, 2).tolist():
        packed += bytes([first >> 4, (first & 15) << 4 | second >> 8, second & 255])
    height, width = values.shape
    tags = [(256, 3, width), (257, 3, height), (258, 3, bits), (259, 3, 1), (262, 3, 1), (273, 4, 8)]
    tags += [(277, 3, 1), (278, 3, height), (279, 4, len(packed))]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + struct.pack("<H", len(tags)) + entries + bytes(4)


WIDE = RAMP.astype(np.uint16) * 257
RANGES = {
    "8-bit PNG": encoded(RAMP),
    "16-bit PNG": encoded(WIDE),
    "16-bit TIFF, little-endian": encoded(WIDE, "TIFF"),
    "16-bit TIFF, big-endian": encoded(Image.frombytes("I;16B", (64, 64), WIDE.astype(">u2").tobytes()), "TIFF"),
    "12-bit TIFF": tiff((RAMP.astype(np.uint16) * 16 + RAMP // 16), 12),
    "16-bit PGM": pgm(WIDE, 65535),
    "10-bit PGM": pgm((RAMP.astype(np.float64) * 1023 / 255).round(), 1023),
    "32-bit TIFF": encoded(WIDE.astype(np.int32), "TIFF"),
    "float TIFF": encoded(RAMP.astype(np.float32) / 255, "TIFF"),
    "palette": encoded(Image.fromarray(RAMP).convert("P")),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("content", RANGES.values(), ids=RANGES)
def test_every_range_of_numbers_gives_the_same_picture(content, channels):
    found = ImagePreprocessing(64, 64, channels)(content).astype(int)
    assert np.abs(found - RAMP[..., None]).max() <= 1


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (RAMP.astype(np.float32), "from 0 to 255; expected the range 0 to 1"),
        (np.full((8, 8), np.nan, np.float32), "numbers that are not finite"),
        (np.full((8, 8), -0.5, np.float32), "from -0.5 to -0.5"),
        (np.full((8, 8), 1 << 20, np.int32), "expected the range 0 to 65,535"),
        (np.full((8, 8), -1, np.int32), "from -1 to -1"),
        (RAMP.astype(np.int32), "cannot be told from that of 8 bits"),
    ],
)
def test_numbers_of_an_unknown_range_are_refused(values, text):
    with pytest.raises(BadInputError, match=text):
        ImagePreprocessing()(encoded(values, "TIFF"))


def turned(orientation, extra=b""):
    """A JPEG of the ramp whose EXIF has an orientation and one tag more."""
    image = Image.fromarray(RAMP[:32])
    exif = Image.Exif()
    exif[0x0112] = orientation
    payload = exif.tobytes()
    if extra:
        # One entry more in the directory; its value behind it.
        body = payload[6:]
        count = struct.unpack_from("<H" if body[:2] == b"II" else ">H", body, 8)[0]
        order = "<" if body[:2] == b"II" else ">"
        entries = body[10 : 10 + 12 * count]
        offset = 8 + 2 + 12 * (count + 1) + 4
        entry = struct.pack(order + "HHII", 0x9201, 10, 1, offset)
        body = body[:8] + struct.pack(order + "H", count + 1) + entries + entry + bytes(4) + extra
        payload = b"Exif\0\0" + body
    return encoded(image, "JPEG", exif=payload, quality=100, subsampling=0)


@pytest.mark.parametrize("extra", [b"", struct.pack(">ii", -1, 0), struct.pack("<ii", -(2**31), 0)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_whatever_else_exif_says(orientation, extra):
    expected = {
        1: RAMP[:32],
        2: RAMP[:32, ::-1],
        3: RAMP[:32][::-1, ::-1],
        4: RAMP[:32][::-1],
        5: RAMP[:32].T,
        6: np.rot90(RAMP[:32], -1),
        7: RAMP[:32].T[::-1, ::-1],
        8: np.rot90(RAMP[:32]),
    }[orientation]
    found = np.asarray(pictures.decode(turned(orientation, extra), 1)).astype(int)
    assert found.shape == expected.shape and np.abs(found - expected).max() <= 3


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_transparent_pixels_show_the_background(form):
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :4] = (0, 255, 0, 0)
    pixels[:, 4:] = (255, 0, 0, 255)
    found = np.asarray(pictures.decode(encoded(pixels, form, **({"lossless": True} if form == "WEBP" else {})), 3))
    assert (found[:, :4] == 255).all() and (found[:, 4:] == (255, 0, 0)).all()


@pytest.mark.parametrize("mode", ["LA", "P", "L"])
def test_every_way_to_be_transparent(mode):
    image = Image.new(mode, (8, 8), {"LA": (7, 0), "P": 0, "L": 7}[mode])
    content = encoded(image, **({} if mode == "LA" else {"transparency": image.getpixel((0, 0))}))
    assert (np.asarray(pictures.decode(content, 3)) == 255).all()


def test_pixels_are_bounded_before_they_are_decoded():
    content = encoded(Image.new("1", (9000, 9000)))
    assert len(content) < 20_000
    tracemalloc.start()
    with pytest.raises(BadInputError, match=r"9000 x 9000 pixels; at most 64 megapixels"):
        pictures.decode(content, 3)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    with pytest.raises(BadInputError, match="megapixels"):
        pictures.decode(encoded(Image.new("1", (20000, 10000))), 3)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "it is none of JPEG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "HEIC pictures are not read: save it as JPEG or PNG"),
        (b"%PDF-1.4\n", "it is none of JPEG"),
        (b"", "its beginning is damaged"),
        (encoded(RAMP)[:60], "not a readable picture"),
        (encoded(RAMP, "JPEG")[:200], "not a readable picture"),
    ],
)
def test_what_is_no_picture_is_named_without_addresses(content, text):
    with pytest.raises(BadInputError, match=text) as raised:
        pictures.decode(content, 3)
    assert " at 0x" not in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "error", [struct.error("unpack"), MemoryError(), KeyError(), AssertionError(), RecursionError()]
)
def test_whatever_a_decoder_throws_is_an_error_of_the_picture(monkeypatch, error):
    def fail(*_):
        raise error

    content = encoded(RAMP)
    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(BadInputError, match=r"not a readable picture: \w"):
        pictures.decode(content, 3)


@pytest.mark.skipif(not pictures.AVIF, reason="this Pillow does not read AVIF")
def test_avif():
    assert np.abs(np.asarray(pictures.decode(encoded(RAMP, "AVIF", quality=100), 1)).astype(int) - RAMP).max() < 8


def test_a_profile_does_not_matter():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(np.asarray(pictures.decode(encoded(RAMP, icc_profile=profile), 1)), RAMP)


# Prints by how much of a picture's own size (four bytes for a pixel) decoding it raises this process's peak of memory.
GROWTH = """
import io, sys
from PIL import Image
from serving.edge.preprocess import ImagePreprocessing
from tests.conftest import REPOSITORY

def peak():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))

with open(sys.argv[1], "rb") as file:
    content = file.read()
before = peak()
ImagePreprocessing(64, 64, 3)(content)
print((peak() - before) / (4 * 6000 * 4000))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read as Linux tells it")
@pytest.mark.parametrize("mode", ["RGBA", "LA", "I;16"])
def test_a_large_picture_takes_twice_its_size(tmp_path, mode):
    Image.new(mode, (6000, 4000)).save(tmp_path / "large.png", compress_level=1)
    command = [sys.executable, "-c", GROWTH, str(tmp_path / "large.png")]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and 0 < float(result.stdout) < 2.4, result
