"""Small data sets that the tests make: drawn pictures and synthetic recordings, in the layouts people have."""

from __future__ import annotations

import csv
import io
import json
import pathlib
import wave
import zipfile

import numpy as np
from PIL import Image


def picture(red: int, bright: int, identity: int, rng) -> bytes:
    """A 32x32 PNG: left half red or blue, right half bright or dark, a bar at a place for each identity."""
    pixels = rng.integers(0, 60, (32, 32, 3))
    pixels[:, :16, 0 if red else 2] += 150
    pixels[:, 16:] += 120 if bright else 0
    pixels[4 * identity : 4 * identity + 4, 12:20] = 255
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def pictures(folder: pathlib.Path, n=160, identities=4, seed=0) -> pathlib.Path:
    """Writes `n` pictures with the labels `red`, `bright` and `identity` to `folder`."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    with open(folder / "labels.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "identity", "red", "bright"])
        for index in range(n):
            red, bright, identity = rng.integers(2), rng.integers(2), index % identities
            (folder / "images" / f"{index:04d}.png").write_bytes(picture(red, bright, identity, rng))
            writer.writerow([f"{index:04d}.png", identity, red, bright])
    described = {"kind": "image", "target": ["red", "bright"], "hidden": ["identity"]}
    (folder / "dataset.json").write_text(json.dumps(described))
    return folder


def recording(frequency: float, rng, rate=16000, seconds=1.0) -> bytes:
    """A WAV file of a tone in noise."""
    time = np.arange(int(rate * seconds)) / rate
    signal = np.sin(2 * np.pi * frequency * time + rng.uniform(0, 6)) + 0.1 * rng.normal(size=time.size)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((8000 * signal).astype("<i2").tobytes())
    return buffer.getvalue()


def recordings(folder: pathlib.Path, n=60, seed=0) -> pathlib.Path:
    """Writes `n` recordings of two keywords by three speakers in the Speech Commands layout."""
    rng = np.random.default_rng(seed)
    for index in range(n):
        keyword, speaker = index % 2, index % 3
        path = folder / f"{['low', 'high'][keyword]}" / f"speaker{speaker}_nohash_{index}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(recording((300, 1200)[keyword] * (1 + 0.1 * speaker), rng))
    return folder


def zipped(folder: pathlib.Path) -> pathlib.Path:
    """Zips a folder; returns the archive's path."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return path


def corrupted(content: bytes, rng) -> bytes:
    """The bytes after an accident: cut off, bits flipped, a stretch zeroed, or noise anywhere, ahead or at the end."""
    data, length = bytearray(content), len(content)
    place, size = rng.integers(length), rng.integers(1, 65)
    match rng.integers(6):
        case 0:
            del data[place:]
        case 1:
            for position in rng.integers(length, size=rng.integers(1, 17)):
                data[position] ^= 1 << int(rng.integers(8))
        case 2:
            data[place : place + size] = bytes(len(data[place : place + size]))
        case 3:
            data[place:place] = rng.bytes(size)
        case 4:
            data[: min(size, length)] = rng.bytes(min(size, length))
        case 5:
            data[-min(size, length) :] = rng.bytes(min(size, length))
    return bytes(data)
