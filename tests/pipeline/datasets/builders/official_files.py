"""Small files in the layouts of official downloads."""

import io
import tarfile
import wave
import zipfile

import numpy as np
from PIL import Image

from components.storage.records import RawExample
from pipeline.datasets.builders import builder_class

IDENTITIES = (2880, 2937, 2880, 8692, 5805, 5805)

PARTITION = (0, 0, 0, 1, 2, 2)

LANDMARKS = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")

RECORDINGS = (
    "yes/0a7c2a8d_nohash_0.wav",
    "yes/0a7c2a8d_nohash_1.wav",
    "no/0a9f9af7_nohash_0.wav",
    "backward/0165e0e8_nohash_0.wav",
    "zero/c50f55b8_nohash_2.wav",
)

VALIDATION, TESTING = {RECORDINGS[3]}, {RECORDINGS[4]}


def jpeg(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (218, 178, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def wav(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(-3000, 3000, 16000, np.int16)
    noise[-100:] = 0  # the file ends in zero bytes, which a fixed-width NumPy string would drop
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16000)
        writer.writeframes(noise.tobytes())
    return file.getvalue()


def write_celeb_a(folder, identities=IDENTITIES, partition=PARTITION) -> list[RawExample]:
    """Writes the five official files of pictures of people in splits 0, 1, 2; returns what should be read from them."""
    columns = builder_class("celeb_a").TARGET
    names = [f"{i + 1:06d}.jpg" for i in range(len(partition))]
    bits = np.random.default_rng(0).integers(0, 2, (len(names), 40))
    pictures = [jpeg(i) for i in range(len(names))]
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, picture in zip(names, pictures, strict=True):
            archive.writestr(f"img_align_celeba/{name}", picture)
    marks = " ".join(f"{point}_{axis}" for point in LANDMARKS for axis in "xy")
    tables = {
        "list_attr_celeba.txt": [len(names), " ".join(columns) + " "]
        + [f"{n} {' '.join(f'{2 * b - 1:2d}' for b in row)}" for n, row in zip(names, bits, strict=True)],
        "list_landmarks_align_celeba.txt": [len(names), marks] + [f"{n}{'   70' * 10}" for n in names],
        "list_eval_partition.txt": [f"{n} {p}" for n, p in zip(names, partition, strict=True)],
        "identity_CelebA.txt": [f"{n} {p}" for n, p in zip(names, identities, strict=True)],
    }
    for name, lines in tables.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return [
        RawExample(
            names[i],
            pictures[i],
            {**{c: str(b) for c, b in zip(columns, bits[i], strict=True)}, "identity": str(identities[i])},
            ("train", "valid", "test")[partition[i]],
        )
        for i in range(len(names))
    ]


def write_speech_commands(folder) -> list[RawExample]:
    """Writes the official archive and returns what should be read from it."""
    files = {name: wav(i) for i, name in enumerate(RECORDINGS)}
    extra = {
        "README.md": b"# Speech Commands Data Set v0.02\n",
        "_background_noise_/running_tap.wav": wav(99),
        "validation_list.txt": "".join(f"{n}\n" for n in VALIDATION).encode(),
        "testing_list.txt": "".join(f"{n}\n" for n in TESTING).encode(),
    }
    with tarfile.open(folder / "speech_commands_v0.02.tar.gz", "w:gz") as archive:
        for name, content in {**files, **extra}.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return [
        RawExample(
            name,
            content,
            {"keyword": name.split("/")[0], "speaker": name.split("/")[1].split("_")[0]},
            "valid" if name in VALIDATION else "test" if name in TESTING else "train",
        )
        for name, content in files.items()
    ]


WRITERS = {"celeb_a": write_celeb_a, "speech_commands": write_speech_commands}


def accept_files(name: str, folder, monkeypatch) -> None:
    """Puts the checksums of the small files in place of the official ones."""
    from tensorflow_datasets.core.download import checksums

    builder = builder_class(name)
    infos = {u: checksums.compute_url_info(folder / i.filename) for u, i in builder.url_infos.items()}
    monkeypatch.setattr(builder, "url_infos", infos)
