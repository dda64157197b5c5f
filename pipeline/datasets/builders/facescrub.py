"""FaceScrub: 530 actors and actresses; lists of pictures on the web with a box around each face.

Reference: Ng and Winkler, A Data-Driven Approach to Cleaning Large Face Datasets, ICIP 2014.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os

import tensorflow_datasets as tfds

from pipeline.datasets.builders.archives import read_archive
from serving.edge import file_names

LISTS = {"facescrub_actors.txt": "male", "facescrub_actresses.txt": "female"}
PICTURES = ("facescrub.zip", "facescrub")
HOMEPAGE = "http://vintage.winklerbros.net/facescrub.html"
COLUMNS = ("name", "bbox", "sha256")


class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Faces cut out by the official boxes; gender from the list, identity from the name.

    The lists are handed out after an agreement and the pictures are fetched from their places on the web, so both are
    put there by hand. Pictures are recognised by the SHA-256 of the lists, whatever their file names; those that are
    missing or have changed are left out. There is no official split.
    """

    name = "facescrub"
    VERSION = tfds.core.Version("1.0.0")
    url_infos = {}
    manual_files = (*LISTS, PICTURES)
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"{' and '.join(LISTS)}, and the pictures they list in {' or a folder '.join(PICTURES)}, from {HOMEPAGE}"
    )

    KIND = "image"
    TARGET = ("gender",)
    HIDDEN = ("identity",)
    CLASSES = {"gender": 2}
    OFFICIAL: tuple[str, ...] = ()
    CONTENT = "image"

    def _info(self):
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(encoding_format="png"),
                "gender": tfds.features.Text(),
                "identity": tfds.features.Text(),
                "name": tfds.features.Text(),
            }
        )
        return tfds.core.DatasetInfo(builder=self, description=__doc__, features=features, homepage=HOMEPAGE)

    def _split_generators(self, dl_manager):
        folder = os.fspath(dl_manager.manual_dir)
        faces = {}
        for name, gender in LISTS.items():
            for digest, rows in read_list(os.path.join(folder, name)).items():
                faces.setdefault(digest, []).extend((gender, *row) for row in rows)
        pictures = next(name for name in PICTURES if os.path.exists(os.path.join(folder, name)))
        return {"train": self._generate_examples(os.path.join(folder, pictures), faces)}

    def _generate_examples(self, pictures, faces):
        for content in read_pictures(pictures):
            for gender, person, box in faces.pop(hashlib.sha256(content).hexdigest(), ()):
                name = f"{person}/{'-'.join(map(str, box))}-{hashlib.sha256(content).hexdigest()[:12]}.png"
                yield name, {"image": cut(content, box), "gender": gender, "identity": person, "name": name}

    @staticmethod
    def labels(example) -> dict[str, str]:
        """Returns gender and the person's name."""
        return {"gender": example["gender"].decode(), "identity": example["identity"].decode()}


def read_list(path: str) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
    """SHA-256 of a picture -> `(person, (left, top, right, bottom))` of each face in it.

    Raises:
        ValueError: If the list has not the official columns.
    """
    result: dict[str, list] = {}
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file, delimiter="\t")
        if not set(COLUMNS) <= set(reader.fieldnames or ()):
            raise ValueError(f"Expected the columns {', '.join(COLUMNS)} in {path}; received {reader.fieldnames}")
        for row in reader:
            box = tuple(int(value) for value in row["bbox"].split(","))
            result.setdefault(row["sha256"].lower(), []).append((row["name"], box))
    return result


def read_pictures(path: str):
    """Yields the content of each file in a zip archive or in a folder and those below; none that lies elsewhere."""
    if path.endswith(".zip"):
        yield from (content for _, content in read_archive(path))
        return
    for name in file_names.below(path):
        if not file_names.leads_out(path, name):
            with open(os.path.join(path, name), "rb") as file:
                yield file.read()


def cut(content: bytes, box) -> bytes:
    """The part of a picture in a box `(left, top, right, bottom)`, as PNG."""
    from PIL import Image

    file = io.BytesIO()
    Image.open(io.BytesIO(content)).convert("RGB").crop(box).save(file, "PNG")
    return file.getvalue()
