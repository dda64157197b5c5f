"""WAV files as recorders and converters write them: the same samples on every Python, or one line that mends them."""

import struct
import wave

import numpy as np
import pytest

from serving.edge import recordings
from serving.edge.errors import BadInputError
from serving.edge.preprocess import SpeechPreprocessing
from tests.datasets import recording

PLAIN = recording(440, np.random.default_rng(0))
SAMPLES = PLAIN[44:]
EXTENSIBLE_TAIL = struct.pack("<HHI", 22, 16, 4) + struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
FLOAT_TAIL = struct.pack("<HHI", 22, 32, 4) + struct.pack("<H", 3) + bytes.fromhex("000000001000800000aa00389b71")


def form(tag=1, channels=1, rate=16000, bits=16, tail=b""):
    width = channels * bits // 8
    return struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits) + tail


def chunk(name, body, size=None, pad=True):
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (pad and len(body) % 2)


def riff(*chunks, size=None, kind=b"RIFF"):
    body = b"WAVE" + b"".join(chunks)
    return kind + struct.pack("<I", len(body) if size is None else size) + body


FORM, DATA = chunk(b"fmt ", form()), chunk(b"data", SAMPLES)
SAME = {
    "as wave writes it": PLAIN,
    "a stream of ffmpeg": riff(
        FORM,
        chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf61.7.100\0\0"),
        chunk(b"data", SAMPLES, 0xFFFFFFFF),
        size=0xFFFFFFFF,
    ),
    "a stream of sox": riff(FORM, chunk(b"data", SAMPLES, 0x7FFFF000), size=0x7FFFF024),
    "a stream of arecord": riff(FORM, chunk(b"data", SAMPLES, 0x80000000), size=0x80000024),
    "sizes of zero": riff(FORM, chunk(b"data", SAMPLES, 0), size=0),
    "sizes of a recorder that was killed": riff(FORM, chunk(b"data", SAMPLES, 0), size=36),
    "a wrong outer size": riff(FORM, DATA, size=7),
    "extensible": riff(chunk(b"fmt ", form(0xFFFE, tail=EXTENSIBLE_TAIL)), DATA),
    "an empty tail of the format": riff(chunk(b"fmt ", form(tail=b"\0\0")), DATA),
    "odd chunks, padded": riff(FORM, chunk(b"LIST", b"INFOx"), chunk(b"bext", b"abc"), DATA),
    "odd chunks, not padded": riff(FORM, chunk(b"LIST", b"INFOx", pad=False), chunk(b"bext", b"abc", pad=False), DATA),
    "chunks in front": riff(chunk(b"JUNK", bytes(28)), FORM, chunk(b"fact", bytes(4)), DATA),
    "chunks behind": riff(FORM, DATA, chunk(b"id3 ", b"ID3abc"), chunk(b"LIST", b"INFO")),
    "RF64": riff(
        chunk(b"ds64", struct.pack("<QQQI", len(SAMPLES) + 80, len(SAMPLES), len(SAMPLES) // 2, 0)),
        *(FORM, chunk(b"data", SAMPLES, 0xFFFFFFFF), chunk(b"LIST", b"INFO")),
        kind=b"RF64",
        size=0xFFFFFFFF,
    ),
    "half a sample more": riff(FORM, chunk(b"data", SAMPLES + b"\x07", 0xFFFFFFFF, pad=False), size=0),
}


@pytest.mark.parametrize("content", SAME.values(), ids=SAME)
def test_the_samples_are_those_of_the_plain_file(content):
    assert np.array_equal(recordings.decode(content, 16000), np.frombuffer(SAMPLES, "<i2") / 32768)
    assert np.array_equal(SpeechPreprocessing()(content), SpeechPreprocessing()(PLAIN))


FFMPEG = r"`ffmpeg -i IN -ar 16000 -ac 1 -c:a pcm_s16le OUT\.wav`"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "it is empty; record it again"),
        (b"RIFF", "it is cut off"),
        (b"ID3\x04 mp3", f"begins with b'ID3.x04'.*{FFMPEG}"),
        (b"fLaC" + bytes(60), FFMPEG),
        (b"RIFX" + bytes(60), FFMPEG),
        (b"RIFF\0\0\0\0AVI " + bytes(60), "of the kind b'AVI '"),
        (riff(FORM), "no chunk called data"),
        (riff(DATA), "no format stands before"),
        (riff(chunk(b"fmt ", b"\1\0\1\0"), DATA), "its format is cut off"),
        (riff(FORM, chunk(b"data", b"")), "it has no samples; record it again"),
        (riff(FORM, chunk(b"data", b""), chunk(b"LIST", b"INFO")), "it has no samples"),
        (riff(FORM, DATA)[:1044], "cut off: 500 of 16000 samples are there; record or convert it again"),
        (riff(chunk(b"fmt ", form(rate=44100)), DATA), f"the file has 44100 Hz, 1 channel, 16 bits: .*{FFMPEG}"),
        (riff(chunk(b"fmt ", form(channels=2)), DATA), f"2 channels, 16 bits: .*{FFMPEG}"),
        (riff(chunk(b"fmt ", form(bits=24)), DATA), f"24 bits: .*{FFMPEG}"),
        (riff(chunk(b"fmt ", form(3, bits=32)), DATA), f"32 bits, not PCM: .*{FFMPEG}"),
        (riff(chunk(b"fmt ", form(0xFFFE, bits=32, tail=FLOAT_TAIL)), DATA), "32 bits, not PCM"),
        (riff(chunk(b"fmt ", form(7, bits=8)), DATA), "8 bits, not PCM"),
    ],
)
def test_what_is_refused_says_why_and_how_to_mend_it(content, text):
    with pytest.raises(BadInputError, match=text) as raised:
        recordings.decode(content, 16000)
    assert "\n" not in str(raised.value)


def test_whatever_bytes_come_one_error_is_raised():
    random = np.random.default_rng(0)
    for content in (riff(FORM, chunk(b"LIST", b"INFOx"), chunk(b"data", SAMPLES[:40])), riff(FORM)):
        for _ in range(3000):
            damaged = bytearray(content)
            for place in random.integers(len(damaged), size=3):
                damaged[place] = random.integers(256)
            try:
                recordings.decode(bytes(damaged[: random.integers(len(damaged) + 1)]), 16000)
            except BadInputError as error:
                assert str(error)


def test_the_header_of_pythons_own_writer(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(SAMPLES)
    assert len(recordings.decode((tmp_path / "a.wav").read_bytes(), 16000)) == 16000
