"""The model of spoken words that is part of this package: what a run packaged, without the recordings behind it.

`python -m tools.spoken_words` makes its folder; `model_card.md` there says how, and how well it does. Where a run has
recordings of people, sounds that are generated stand in: by espeak-ng as samples, by the data set `tones` as covers and
as the attacker's own examples.
"""

from __future__ import annotations

import functools
import os
import secrets

import numpy as np

from components.records.dataset import DatasetSchema
from components.records.serialising import Record, read
from pipeline.datasets.tones import Tones
from pipeline.demo.loaded_run import LoadedRun, halves_of
from serving.edge import preprocess

FOLDER = os.path.join(os.path.dirname(__file__), "spoken_words")
SCHEMA, MEASURED, SAMPLES = "schema.json", "measured.json", "samples"
COVERS, KNOWN = 64, 400
COVERS_TOLD = "sounds that this device invents anew at every start, which nobody else has"


class Measured(Record, kw_only=True):
    """How well the shipped files do, through the edge client and a server; `measured.json`.

    Attributes:
        clips: Recordings of people that are in no split of the run.
        speakers: How many people spoke them.
        right: Recordings that are answered rightly.
        interval: 95 % interval of the share of them, from drawing speakers again and again.
        samples: Samples of computer voices.
        samples_right: Samples that are answered rightly.
        level: Median peak of the recordings that the run trained on, as a share of the largest.
    """

    clips: int
    speakers: int
    right: int
    interval: tuple[float, float]
    samples: int
    samples_right: int
    level: float


def load_shipped(folder: str = FOLDER) -> LoadedRun:
    """Loads the model of spoken words, with covers that are new each time.

    Args:
        folder: Where it is, for one that was made elsewhere.

    Raises:
        InputError: If the folder lacks a part.
    """
    schema = read(os.path.join(folder, SCHEMA), DatasetSchema)
    parts = halves_of(folder)
    labels, convert = parts["manifest"].labels, preprocess.from_config(parts["manifest"].preprocessing)
    sounds, measured = samples(folder), read(os.path.join(folder, MEASURED), Measured)
    return LoadedRun(
        schema,
        **parts,
        names=list(sounds),
        x=np.stack([convert(content) for content in sounds.values()]),
        y=np.array([labels.index(word_of(name)) for name in sounds], np.int32),
        sounds=lambda names: {name: sounds[name] for name in names},
        known=functools.partial(generated, convert, KNOWN, 0),
        known_count=KNOWN,
        known_told="generated sounds",
        covers=generated(convert, COVERS, secrets.randbits(32)),
        covers_told=COVERS_TOLD,
        title="spoken words",
        notes=_notes(labels, measured),
        samples=tuple(sounds),
        level=measured.level,
    )


def generated(convert, count: int, seed: int) -> np.ndarray:
    """Sounds of the data set `tones`, each of another voice, as `convert` preprocesses them, float32 `[count, ...]`."""
    source = Tones(examples=count, speakers=count, seed=seed)
    return np.stack([convert(source.example(index).content) for index in range(count)])


def samples(folder: str = FOLDER) -> dict[str, bytes]:
    """The samples, `WORD-VOICE.wav` -> its file, in the order of their names."""
    found = {}
    for name in sorted(os.listdir(os.path.join(folder, SAMPLES))):
        with open(os.path.join(folder, SAMPLES, name), "rb") as file:
            found[name] = file.read()
    return found


def word_of(name: str) -> str:
    """The word that a sample says."""
    return name.partition("-")[0]


def _notes(labels, measured):
    low, high = measured.interval
    return (
        f"Say one of {len(labels)} English words: {', '.join(labels)}. Whatever else you say is answered with one of "
        "these, too.",
        f"It learned from people of Google's Speech Commands (Pete Warden, 2018, CC BY 4.0). Of {measured.clips:,} "
        f"recordings of {measured.speakers} people whom it never heard it is right for "
        f"{100 * measured.right / measured.clips:.0f} of 100 (95 % interval: {100 * low:.0f} to {100 * high:.0f}); of "
        f"the {measured.samples} samples below, which a computer voice (espeak-ng) says, for {measured.samples_right}.",
    )
