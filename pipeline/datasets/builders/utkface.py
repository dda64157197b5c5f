"""UTKFace, aligned and cropped: age, gender and race of 23,708 faces, from their file names.

Reference: Zhang, Song and Qi, Age Progression/Regression by Conditional Adversarial Autoencoder, CVPR 2017.
"""

from __future__ import annotations

import os
import re

import tensorflow_datasets as tfds

from pipeline.datasets.builders.archives import read_archive

ARCHIVES = ("UTKFace.tar.gz", "UTKFace.zip", "crop_part1.tar.gz")
HOMEPAGE = "https://susanqq.github.io/UTKFace/"
#: `[age]_[gender]_[race]_[date and time].jpg.chip.jpg`; a few names of the official archive lack a part.
PICTURE = re.compile(r"(?P<age>\d{1,3})_(?P<gender>[01])_(?P<race>[0-4])_(?P<taken>\d+)(\.jpg)?(\.chip)?\.jpg")
GENDERS = ("male", "female")
RACES = ("white", "black", "asian", "indian", "others")


class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """The aligned and cropped faces; pictures whose name lacks a label are left out.

    The files are handed out through a form, so they are fetched by hand. There is no official split.
    """

    name = "utkface"
    VERSION = tfds.core.Version("1.0.0")
    url_infos = {}
    manual_files = (ARCHIVES,)
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"one of {', '.join(ARCHIVES)} (aligned and cropped faces), from {HOMEPAGE}"

    KIND = "image"
    TARGET = ("gender",)
    HIDDEN = ("race",)
    CLASSES = {"gender": len(GENDERS), "race": len(RACES)}
    OFFICIAL: tuple[str, ...] = ()
    CONTENT = "image"

    def _info(self):
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(encoding_format="jpeg"),
                "gender": tfds.features.ClassLabel(names=GENDERS),
                "race": tfds.features.ClassLabel(names=RACES),
                "name": tfds.features.Text(),
            }
        )
        return tfds.core.DatasetInfo(builder=self, description=__doc__, features=features, homepage=HOMEPAGE)

    def _split_generators(self, dl_manager):
        folder = os.fspath(dl_manager.manual_dir)
        archive = next(name for name in ARCHIVES if os.path.exists(os.path.join(folder, name)))
        return {"train": self._generate_examples(os.path.join(folder, archive))}

    def _generate_examples(self, archive):
        for path, content in read_archive(archive):
            name = path.split("/")[-1]
            found = PICTURE.fullmatch(name)
            if found:
                labels = {"gender": int(found["gender"]), "race": int(found["race"])}
                yield name, {"image": content, "name": name, **labels}

    @staticmethod
    def labels(example) -> dict[str, str]:
        """Returns gender and race as words."""
        return {"gender": GENDERS[int(example["gender"])], "race": RACES[int(example["race"])]}
