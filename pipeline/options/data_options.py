"""Which data, which labels of them, and how they are split."""

from __future__ import annotations

import dataclasses
from typing import Any

from components.errors import InputError
from datamix_tf.settings import above, at_least, not_empty, setting, share

#: The networks halve rows and columns until fewer would leave nothing.
SMALLEST = 8
#: `serving.edge.preprocess.MAX_SIZE`, which the parser need not import.
LARGEST = 16_384


def size(text: str) -> tuple[int, int]:
    """Rows and columns of `64x48`, or of `64` for a square. Raises ValueError."""
    parts = text.split("x")
    if len(parts) > 2 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise ValueError(text)
    return int(parts[0]), int(parts[-1])


def write_size(value: tuple[int, int]) -> str:
    """What `size` reads."""
    return "x".join(map(str, value))


#: What is so of every setting that is a size of pictures.
SIZE: dict[str, Any] = {
    "check": lambda side: SMALLEST <= side <= LARGEST,
    "expected": f"HEIGHTxWIDTH from {SMALLEST}x{SMALLEST} to {LARGEST}x{LARGEST}",
    "metavar": "HEIGHTxWIDTH",
    "read": size,
    "write": write_size,
}


#: Suffixes of bytes: each 1024 times the one before.
UNITS = "KMGT"


def byte_count(text: str) -> int:
    """Bytes of `6G`, `512M` or `0`. Raises ValueError."""
    unit = text[-1:].upper() if text[-1:].upper() in tuple(UNITS) else ""
    number = text.removesuffix(text[-1:]) if unit else text
    if not (number.isascii() and number.replace(".", "", 1).isdecimal()):
        raise ValueError(text)
    return int(float(number) * 1024 ** (UNITS.index(unit) + 1 if unit else 0))


def write_byte_count(value: int) -> str:
    """What `byte_count` reads."""
    power = max((n for n in range(len(UNITS) + 1) if value and value % 1024**n == 0), default=0)
    return f"{value // 1024**power}{UNITS[power - 1] if power else ''}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemoryOptions:
    """How much of the data is held."""

    GROUP = "data"

    memory: int | None = setting(
        None,
        "bytes of examples that a process holds, such as 6G or 512M; splits that do not fit are read from disk while "
        "they are used, with the same results (default: a quarter of the machine's memory)",
        check=lambda value: value >= 0,
        expected="bytes, such as 6G, 512M or 0",
        metavar="BYTES",
        read=byte_count,
        write=write_byte_count,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataOptions(MemoryOptions):
    """Which data, and which labels of them."""

    GROUP = "data"

    dataset: str = setting(
        "avatars",
        "avatars, tones (built-in), folder:PATH, or celeb_a, lfwa, utkface, facescrub, speech_commands, emnist_writers",
    )
    target: tuple[str, ...] | None = setting(
        None, "label columns to learn, with commas (default: the data set's own)", metavar="COLUMN,..."
    )
    hidden: tuple[str, ...] | None = setting(
        None, "label columns that the attacker is after (default: the data set's own)", metavar="COLUMN,..."
    )
    examples: int | None = setting(
        None, "size of a generated data set, or most examples of a folder (default: all)", **at_least(1)
    )
    data_dir: str | None = setting(
        None, "where tensorflow-datasets keeps data (default: its own)", **not_empty("a folder")
    )
    valid_share: float = setting(0.15, "share of validation examples, for --split hash", **above(0))
    test_share: float = setting(0.2, "share of test examples, for --split hash", **above(0))
    image_size: tuple[int, int] | None = setting(
        (64, 64),
        "HEIGHTxWIDTH of pictures; the papers' faces: 218x178; with --model what that takes, if nobody says otherwise",
        **SIZE,
    )
    crop: tuple[int, int] | None = setting(
        None,
        "HEIGHTxWIDTH in pixels that are kept around the centre of each picture before it is resized (default: all)",
        **SIZE,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitOptions(DataOptions):
    """What else a run may say of its data."""

    GROUP = "data"

    split: str = setting("hash", "split by content hash, or by official lists", choices=("hash", "official"))
    max_bad_share: float = setting(0.05, "share of bad records above which the run stops", **share())
    spectrogram: str = setting(
        "mel64",
        "mel64: 64 mel bands x 64 frames; paper: 161 frequencies x 201 frames, 20 ms every 5 ms, as DataMix",
        choices=("mel64", "paper"),
    )


def check_shares(options: DataOptions) -> None:
    """Refuses shares that leave nothing to train on. Raises InputError."""
    if options.valid_share + options.test_share >= 1:
        raise InputError(
            "--valid_share and --test_share must sum below 1; received "
            f"{options.valid_share:g} and {options.test_share:g}"
        )
