"""Speech Commands v0.02: 105,829 recordings of 35 keywords by 2,618 speakers.

Reference: Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition, 2018.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.datasets.speech_commands import speech_commands_dataset_builder as official

URL = "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz"
WORDS = """backward bed bird cat dog down eight five follow forward four go happy house learn left marvin
nine no off on one right seven sheila six stop three tree two up visual wow yes zero"""
KEYWORDS = tuple(WORDS.split())
OFFICIAL_FILES = {URL: official.Builder.url_infos[URL]}  # size and checksum of the archive
LISTS = {"validation_list.txt": tfds.Split.VALIDATION, "testing_list.txt": tfds.Split.TEST}
RECORDING = re.compile(rf"(?P<keyword>{'|'.join(KEYWORDS)})/(?P<speaker>[^/]+)_nohash_\d+\.wav")


class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """All 35 keywords with their speakers, split by the lists inside the archive.

    tensorflow-datasets' own `speech_commands` has 12 classes, resampled silence and no speakers.
    No speaker is in two of the official splits.
    """

    name = "speech_commands_speakers"
    VERSION = tfds.core.Version("1.0.0")
    url_infos = OFFICIAL_FILES  # by default looked for beside this file

    KIND = "audio"
    TARGET = ("keyword",)
    HIDDEN = ("speaker",)
    CLASSES = {"keyword": len(KEYWORDS)}
    OFFICIAL = ("train", "valid", "test")
    CONTENT = "audio"

    def _info(self):
        features = tfds.features.FeaturesDict(
            {
                # A plain string, not features.Audio, keeps the file byte for byte: whether it can
                # be decoded is for the pipeline to judge, and to count.
                "audio": tfds.features.Tensor(shape=(), dtype=np.object_),
                "keyword": tfds.features.ClassLabel(names=list(KEYWORDS)),
                "speaker": tfds.features.Text(),
                "name": tfds.features.Text(),
            }
        )
        return tfds.core.DatasetInfo(
            builder=self,
            description=__doc__,
            features=features,
            homepage="https://arxiv.org/abs/1804.03209",
            license="CC BY 4.0",
        )

    def _split_generators(self, dl_manager):
        archive = tfds.download.Resource(
            path=dl_manager.download(URL), extract_method=tfds.download.ExtractMethod.TAR_GZ_STREAM
        )
        listed = read_lists(dl_manager.iter_archive(archive))
        splits = (tfds.Split.TRAIN, *LISTS.values())
        return {s: self._generate_examples(dl_manager.iter_archive(archive), listed, s) for s in splits}

    def _generate_examples(self, archive, listed, split):
        for path, file in archive:
            recording = RECORDING.fullmatch(path)  # leaves _background_noise_ out: nobody speaks there
            if recording and listed.get(path, tfds.Split.TRAIN) == split:
                yield path, {"audio": file.read(), "name": path, **recording.groupdict()}

    @staticmethod
    def labels(example) -> dict[str, str]:
        """Returns the keyword and the speaker's hash."""
        return {"keyword": KEYWORDS[example["keyword"]], "speaker": example["speaker"].decode()}


def read_lists(archive: Iterable[tuple[str, BinaryIO]]) -> dict[str, str]:
    """Reads the official lists.

    Args:
        archive: `(path, open file)` of each file, in the archive's order.

    Returns:
        Path of a recording -> split. What is on neither list is for training.

    Raises:
        ValueError: If a list is missing, since its recordings would slip into the training split.
    """
    pending, listed = dict(LISTS), {}
    for path, file in archive:
        if split := pending.pop(path, None):
            listed |= dict.fromkeys(file.read().decode().split(), split)
        if not pending:
            return listed
    raise ValueError(f"Expected {sorted(LISTS)} in the Speech Commands archive; missing: {sorted(pending)}.")
