"""The model of spoken words that the demo has in the package: trained anew, measured, and written to its folder.

`python -m tools.spoken_words RECORDINGS` needs recordings in the layout of Google's Speech Commands, a folder or a
.zip, and espeak-ng. One person in five (`held_out`) is kept out of the run; on these people the finished files are
measured as a visitor uses them: one word at a time, through the edge client and a server, among generated covers.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import wave
import zipfile

import numpy as np
import scipy.signal

from components.errors import InputError
from components.records.serialising import plain, read
from components.storage.artifacts import atomic_folder, write_json
from datamix_tf import uncertainty
from pipeline import lineage, run
from pipeline.datasets.archive import Files
from pipeline.demo import shipped
from pipeline.demo.embedded_cloud import embedded_cloud
from pipeline.demo.loaded_run import WIRE, halves_of
from pipeline.orchestration.command import opened_store
from serving.edge import preprocess
from serving.edge.client import EdgeClient

#: Of `pipeline.run`. N_pre = 3 and a quarter of ResNet-18's width and less: what fits into 3 MB and a few minutes.
FLAGS = (
    *("--runner", "DirectRunner", "--preset", "small-speech", "--width", "12", "--num_pre_blocks", "3"),
    *("--epochs", "12", "--batch_size", "64", "--valid_share", "0.1", "--test_share", "0.1"),
    *("--methods", "edge,cloud,datamix,edge_head", "--head_units", "256"),
    *("--package", "datamix", "--attack_epochs", "0"),
)
#: espeak-ng's name of each voice that says every word.
VOICES = {"man": "en-us", "woman": "en-us+f3"}
WORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
RATE = 16000
SPEED = 140  # words a minute
DESCRIBED = "dataset.json"  # of a data set, if it has one
CARD, LINEAGE, METRICS = "model_card.md", "lineage.txt", "metrics.json"
ABOUT = """\
## About this model

The demo's model of spoken words: what `python -m pipeline.run` packaged, without the recordings that it learned from.
`python -m tools.spoken_words RECORDINGS` makes it anew (`{command}`).

- **Training data**: {train_people} people of Google's Speech Commands ([Pete Warden, Speech Commands: A Dataset for
  Limited-Vocabulary Speech Recognition, 2018, arXiv:1804.03209](https://arxiv.org/abs/1804.03209)), licensed under
  [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/). The recordings were turned into spectrograms; no recording
  is in this folder. One person in five was kept out.
- **How well it does**: right for {right} of {clips} recordings of the {speakers} people who were kept out,
  {share:.1f} % (95 % interval {low:.1f} to {high:.1f}, from drawing people again), one word at a time, through the edge
  client and a server, in float16, with generated covers. Guessing is right for {guess:.0f} %.
- **Samples**: every word, said by espeak-ng {espeak} in the voices {voices} ({speed} words a minute); no person's
  recording. {samples_right} of these {samples} are answered rightly; none was chosen or left out for its answer.
- **Covers** are sounds of the built-in data set `tones`, and so are the examples that the demo's attacker learns from.
- **Lineage**: `lineage.txt`. **Figures of the run**: `metrics.json`; its split is by clip, so that the same people are
  in its train and test split.
"""


def held_out(speaker: str) -> bool:
    """Whether a person is kept out of the run: the SHA-256 of the name, modulo 100, is below 20."""
    return int(hashlib.sha256(speaker.encode()).hexdigest(), 16) % 100 < 20


def speaker_of(name: str) -> str:
    """Who spoke `keyword/speaker_nohash_n.wav`."""
    return name.rpartition("/")[2].partition("_nohash_")[0]


def recordings_of(files: Files) -> dict[str, bytes]:
    """All recordings of `WORDS`, `keyword/speaker_nohash_n.wav` -> file, in the order of their names."""
    names = [name for name in files.names() if name.split("/")[0] in WORDS and "_nohash_" in name]
    if missing := set(WORDS) - {name.split("/")[0] for name in names}:
        words = ", ".join(sorted(missing))
        raise InputError(f"expected recordings WORD/SPEAKER_nohash_N.wav in {files.path}; found none of {words}")
    return {name: files.read(name) for name in names}


def write_zip(contents: dict[str, bytes], path: pathlib.Path) -> None:
    """Writes files as a data set, the same bytes each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(contents.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def write_samples(folder: pathlib.Path) -> None:
    """Has every word said in every voice: a second, the word in its middle, 16 kHz, 16 bits, one channel."""
    folder.mkdir(parents=True)
    for word in WORDS:
        for voice, name in VOICES.items():
            spoken = _espeak("--stdout", "-v", name, "-s", str(SPEED), word)
            (folder / f"{word}-{voice}.wav").write_bytes(_second(spoken))


def _espeak(*arguments):
    if not shutil.which("espeak-ng"):
        raise InputError("expected espeak-ng on this machine, which says the samples; apt-get install espeak-ng")
    return subprocess.run(["espeak-ng", *arguments], check=True, stdout=subprocess.PIPE).stdout


def _second(spoken):
    """A WAV file of one second at `RATE`, of one of any length."""
    with wave.open(io.BytesIO(spoken)) as file:
        rate = file.getframerate()
        # To the end: espeak-ng's header counts more frames than there are.
        signal = np.frombuffer(file.readframes(1 << 24), "<i2") / 32768
    signal = scipy.signal.resample_poly(signal, RATE, rate)
    loud = np.flatnonzero(np.abs(signal) > 0.02 * np.abs(signal).max())
    signal = signal[loud[0] : loud[-1] + 1][:RATE]
    before = (RATE - len(signal)) // 2
    padded = np.pad(signal, (before, RATE - len(signal) - before))
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setparams((1, 2, RATE, RATE, "NONE", ""))
        file.writeframes(np.round(32767 * 0.6 * padded / np.abs(padded).max()).astype("<i2").tobytes())
    return made.getvalue()


def measured(folder: str, recordings: dict[str, bytes], level: float) -> shipped.Measured:
    """How many recordings, and how many of the samples, the finished files answer rightly, one word at a time."""
    parts, samples = halves_of(folder), shipped.samples(folder)
    labels, convert = parts["manifest"].labels, preprocess.from_config(parts["manifest"].preprocessing)
    covers = shipped.generated(convert, shipped.COVERS, seed=0)
    with (
        embedded_cloud(parts["manifest"], parts["served"]) as url,
        EdgeClient(parts["edge"], url, covers=covers, wire=WIRE, quiet=True) as client,
    ):

        def hits(files, words):
            found = [client.predict(convert(content)[None])[0].argmax() for content in files]
            return np.array([labels[index] == word for index, word in zip(found, words, strict=True)])

        right = hits(recordings.values(), [name.partition("/")[0] for name in recordings])
        of_samples = hits(samples.values(), map(shipped.word_of, samples))
    speakers = np.unique([speaker_of(name) for name in recordings], return_inverse=True)[1]
    low, high = uncertainty.of_mean(right, np.arange(len(right)), speakers).interval
    return shipped.Measured(
        clips=len(right),
        speakers=int(speakers.max()) + 1,
        right=int(right.sum()),
        interval=(round(low, 4), round(high, 4)),
        samples=len(of_samples),
        samples_right=int(of_samples.sum()),
        level=round(level, 2),
    )


def median_peak(recordings: dict[str, bytes]) -> float:
    """Median peak of recordings, as a share of the largest."""
    convert = preprocess.SpeechPreprocessing()
    return float(np.median([np.abs(convert.decode(content)).max() for content in recordings.values()]))


def write_model(finished: pathlib.Path, kept: dict[str, bytes], others: dict[str, bytes], folder: str) -> None:
    """Writes what the demo reads of a finished run to its folder, which is replaced.

    Args:
        finished: The run's output folder.
        kept: Recordings that the run was made of.
        others: Recordings of people who were kept out.
        folder: Where the model goes.
    """
    with atomic_folder(folder) as temporary:
        made = pathlib.Path(temporary)
        for name in ("serving", "edge"):
            shutil.copytree(finished / name, made / name, ignore=shutil.ignore_patterns("*.yml", "assets"))
        shutil.copy(finished / METRICS, made / METRICS)
        shutil.copy(finished / "artifacts" / "transform" / "examples" / "schema.json", made / shipped.SCHEMA)
        write_samples(made / shipped.SAMPLES)
        found = measured(temporary, others, median_peak(kept))
        write_json(str(made / shipped.MEASURED), found)
        (made / LINEAGE).write_text(_relative(_lineage(finished)) + "\n", encoding="utf-8")
        (made / CARD).write_text(_card(finished, kept, found), encoding="utf-8")


def _lineage(finished):
    with opened_store("", str(finished)) as store:
        return lineage.explanation(lineage.ancestry(store.executions(), "pusher"))


def _relative(text):
    return text.replace(os.getcwd() + os.sep, "")


def _card(finished, kept, found):
    """The run's card, with what is known of this model in front of it."""
    card = (finished / CARD).read_text(encoding="utf-8")
    low, high = found.interval
    about = ABOUT.format(
        command="python -m pipeline.run " + " ".join(FLAGS),
        train_people=len({speaker_of(name) for name in kept}),
        share=100 * found.right / found.clips,
        guess=100 / len(WORDS),
        espeak=_espeak("--version").decode().split()[3].rstrip(":"),
        voices=" and ".join(f"{name} ({voice})" for voice, name in VOICES.items()),
        speed=SPEED,
        **plain(found) | {"low": 100 * low, "high": 100 * high},
    )
    for old, new in (
        ('license: "unknown"', 'license: "apache-2.0"'),
        (
            "Licence: not stated by this card; it is for the publisher to say, and the data set has its own",
            "Licence: Apache-2.0, as the package; the recordings that it learned from: CC BY 4.0",
        ),
        ("## Model details", f"{about}\n## Model details"),
    ):
        if card.count(old) != 1:
            raise RuntimeError(f"the run's model card has {old!r} {card.count(old)} times")
        card = card.replace(old, new)
    return card


def main(argv=None) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        "python -m tools.spoken_words", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("recordings", help="folder or .zip, keyword/speaker_nohash_n.wav")
    parser.add_argument("--output", default=os.path.join("runs", "spoken_words"), help="where the run goes")
    parser.add_argument("--folder", default=shipped.FOLDER, help="where the model goes")
    arguments = parser.parse_args(argv)
    try:
        files = Files(arguments.recordings)
        everybody = recordings_of(files)
        kept = {name: content for name, content in everybody.items() if not held_out(speaker_of(name))}
        others = {name: content for name, content in everybody.items() if name not in kept}
        output = pathlib.Path(arguments.output)
        data = output.with_name(output.name + "_data") / (pathlib.Path(arguments.recordings).stem + ".zip")
        described = {name: files.read(name) for name in files.names() if name == DESCRIBED}
        write_zip(kept | described, data)
        status = run.main([*FLAGS, "--dataset", f"folder:{data}", "--output", str(output)])
        if status:
            return status
        write_model(output, kept, others, arguments.folder)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(plain(read(os.path.join(arguments.folder, shipped.MEASURED), shipped.Measured)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
