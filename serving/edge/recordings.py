"""From the bytes of a WAV file to samples.

Read by hand: the standard library's `wave` reads `WAVE_FORMAT_EXTENSIBLE` on Python 3.12 and not on 3.11, and no
stream whose sizes were never filled in; training and the edge must not differ by their Pythons. The form: "Multimedia
Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991), and EBU Tech 3306 for RF64.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

import numpy as np

from serving.edge.errors import BadInputError

PCM, EXTENSIBLE = 1, 0xFFFE
#: Sizes from here on stand for "not known": programs that write to a pipe put the largest or a rounded 2 GiB there.
UNKNOWN_SIZE = 0x7FFF0000
_CHUNK = re.compile(rb"[ -~]{4}")  # what names of chunks look like


class Form(NamedTuple):
    """What the header says: samples a second, channels, bits, and whether they are whole numbers (PCM)."""

    rate: int
    channels: int
    bits: int
    pcm: bool

    def __str__(self) -> str:
        channels = "1 channel" if self.channels == 1 else f"{self.channels} channels"
        kind = "" if self.pcm else ", not PCM"
        return f"{self.rate} Hz, {channels}, {self.bits} bits{kind}"


def decode(content: bytes, rate: int) -> np.ndarray:
    """The samples of a WAV file.

    Read are RIFF and RF64 files, streams whose sizes are 0 or unknown (what `ffmpeg` and `sox` write to a pipe),
    `WAVE_FORMAT_EXTENSIBLE`, and chunks of other kinds wherever they stand.

    Args:
        content: The file's bytes; one channel, 16-bit PCM.
        rate: Samples a second that it must have.

    Returns:
        float64 `[samples]` in [-1, 1).

    Raises:
        BadInputError: If it is not a WAV file, cut off, empty, or of another form; the text says how to mend it.
    """
    form, data = _parsed(content, rate)
    wanted = Form(rate, 1, 16, True)
    if form != wanted:
        raise BadInputError(f"expected {wanted}; the file has {form}: convert it with {_remedy(rate)}")
    samples = data[: len(data) // 2 * 2]
    if not samples:
        raise BadInputError("the recording is empty: it has no samples; record it again")
    return np.frombuffer(samples, "<i2") / 32768.0


def _remedy(rate: int) -> str:
    return f"`ffmpeg -i IN -ar {rate} -ac 1 -c:a pcm_s16le OUT.wav`"


def _parsed(content: bytes, rate: int) -> tuple[Form, bytes]:
    """The form, and the bytes of the samples."""
    kind = content[:4]
    if len(content) < 12 or kind not in (b"RIFF", b"RF64", b"BW64") or content[8:12] != b"WAVE":
        raise BadInputError(f"not a readable WAV file: {_other(content, rate)}")
    form, long_size, place = None, None, 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        place += 8
        if name == b"data":
            if form is None:
                raise BadInputError(f"not a readable WAV file: no format stands before its samples; {_again(rate)}")
            size = long_size if long_size is not None and size == 0xFFFFFFFF else size
            return form, _samples(content, place, size, rate)
        if place + size > len(content):
            break
        if name == b"fmt ":
            form = _form(content[place : place + size], rate)
        elif name == b"ds64" and size >= 16:
            long_size = struct.unpack_from("<Q", content, place + 8)[0]
        place = _next(content, place + size, size)
    raise BadInputError(f"not a readable WAV file: it has no samples (no chunk called data); {_again(rate)}")


def _other(content: bytes, rate: int) -> str:
    """What a file is that is no WAV file."""
    if not content:
        return "it is empty; record it again"
    if content[:4] != b"RIFF":
        return f"it begins with {content[:4]!r}, not with RIFF; convert it with {_remedy(rate)}"
    if len(content) < 12:
        return f"it is cut off; {_again(rate)}"
    return f"it is RIFF of the kind {content[8:12]!r}, not WAVE; convert it with {_remedy(rate)}"


def _again(rate: int) -> str:
    return f"record or convert it again ({_remedy(rate)})"


def _form(chunk: bytes, rate: int) -> Form:
    if len(chunk) < 16:
        raise BadInputError(f"not a readable WAV file: its format is cut off; {_again(rate)}")
    tag, channels, samples, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == EXTENSIBLE and len(chunk) >= 26:
        tag = struct.unpack_from("<H", chunk, 24)[0]  # the first bytes of the format's GUID
    return Form(samples, channels, bits, tag == PCM)


def _next(content: bytes, end: int, size: int) -> int:
    """Where the next chunk begins: after a byte of padding where the size is odd, which some programs leave out."""
    if size % 2 and not _CHUNK.fullmatch(content[end + 1 : end + 5]) and _CHUNK.fullmatch(content[end : end + 4]):
        return end
    return end + size % 2


def _samples(content: bytes, start: int, size: int, rate: int) -> bytes:
    there = len(content) - start
    if size >= UNKNOWN_SIZE or (size == 0 and not _are_chunks(content, start)):
        return content[start:]
    if size > there:
        raise BadInputError(f"the recording is cut off: {there // 2} of {size // 2} samples are there; {_again(rate)}")
    return content[start : start + size]


def _are_chunks(content: bytes, place: int) -> bool:
    """Whether what follows are chunks to the end, so that no samples in front of them means none at all."""
    while place < len(content):
        if place + 8 > len(content) or not _CHUNK.fullmatch(content[place : place + 4]):
            return False
        size = struct.unpack_from("<I", content, place + 4)[0]
        place = _next(content, place + 8 + size, size)
    return place <= len(content) + 1
