"""LFWA: Labeled Faces in the Wild with 40 attributes, 13,143 pictures of 5,749 people.

Reference: Liu et al., Deep Learning Face Attributes in the Wild, ICCV 2015; Huang et al., Labeled Faces in the Wild,
2007.
"""

from __future__ import annotations

import os
import re

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.datasets.celeb_a import celeb_a_dataset_builder as celeb_a

from pipeline.datasets.builders.archives import read_archive

ATTRIBUTES_FILE, SPLIT_FILE = "lfw_att_40.mat", "indices_train_test.mat"
ARCHIVES = ("lfw.zip", "lfw.tgz", "lfw-funneled.tgz", "lfw-deepfunneled.tgz")
HOMEPAGE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
PICTURE = re.compile(r"(?P<person>.+)_\d{4}\.jpg")


class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Attributes as CelebA names them, identities from the file names, the official split into train and test.

    The files are handed out after an agreement, so they are fetched by hand.
    """

    name = "lfwa"
    VERSION = tfds.core.Version("1.0.0")
    url_infos = {}
    #: What must be in the manual directory: file names, or groups of them of which one suffices.
    manual_files = (ATTRIBUTES_FILE, SPLIT_FILE, ARCHIVES)
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"{ATTRIBUTES_FILE}, {SPLIT_FILE} and one of {', '.join(ARCHIVES)}, from {HOMEPAGE}"

    KIND = "image"
    TARGET = tuple(celeb_a.ATTR_HEADINGS)
    HIDDEN = ("identity",)
    CLASSES = dict.fromkeys(TARGET, 2)
    OFFICIAL = ("train", "test")
    CONTENT = "image"

    def _info(self):
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(encoding_format="jpeg"),
                "attributes": dict.fromkeys(self.TARGET, np.bool_),
                "identity": tfds.features.Text(),
                "name": tfds.features.Text(),
            }
        )
        return tfds.core.DatasetInfo(builder=self, description=__doc__, features=features, homepage=HOMEPAGE)

    def _split_generators(self, dl_manager):
        folder = os.fspath(dl_manager.manual_dir)
        names, labels = read_attributes(os.path.join(folder, ATTRIBUTES_FILE))
        splits = read_matrices(os.path.join(folder, SPLIT_FILE), ("indices_img_train", "indices_img_test"))
        archive = next(name for name in ARCHIVES if os.path.exists(os.path.join(folder, name)))
        rows = {split: np.ravel(index).astype(int) - 1 for split, index in splits.items()}
        wanted = {"train": rows["indices_img_train"], "test": rows["indices_img_test"]}
        return {
            split: self._generate_examples(os.path.join(folder, archive), {names[row]: labels[row] for row in index})
            for split, index in wanted.items()
        }

    def _generate_examples(self, archive, wanted):
        for name, content in read_pictures(archive):
            if name in wanted:
                person = PICTURE.fullmatch(name.split("/")[-1])["person"]
                yield name, {"image": content, "attributes": wanted[name], "identity": person, "name": name}

    @staticmethod
    def labels(example) -> dict[str, str]:
        """Returns the 40 attributes as `"0"` or `"1"`, and the person's name."""
        attributes = {column: str(int(value)) for column, value in example["attributes"].items()}
        return {**attributes, "identity": example["identity"].decode()}


def read_attributes(path: str) -> tuple[list[str], list[dict[str, bool]]]:
    """Names of pictures (`Person/Person_0001.jpg`) and their attributes by name.

    Raises:
        ValueError: If the attributes are not CelebA's 40.
    """
    content = read_matrices(path, ("name", "AttrName", "label"))
    names = [name.replace("\\", "/") for name in content["name"]]
    columns, labels = list(content["AttrName"]), np.asarray(content["label"])
    if set(columns) != set(Builder.TARGET) or labels.shape != (len(names), len(columns)):
        raise ValueError(
            f"Expected {len(Builder.TARGET)} attributes of {len(names)} pictures in {path}; received {labels.shape} "
            f"and the attributes {columns[:3]} ..."
        )
    return names, [dict(zip(columns, (bool(value > 0) for value in row), strict=True)) for row in labels]


def read_matrices(path: str, keys: tuple[str, ...]) -> dict:
    """Variables of a MATLAB file of version 5 or 7.3: arrays, and cells of texts as lists."""
    import h5py
    import scipy.io

    if h5py.is_hdf5(path):  # version 7.3
        with h5py.File(path) as file:
            return {key: _from_hdf5(file, file[key]) for key in keys}
    content = scipy.io.loadmat(path, variable_names=keys)
    return {key: _from_version_5(content[key]) for key in keys}


def read_pictures(archive: str):
    """Yields `(Person/Person_0001.jpg, bytes)` of each picture in a zip or tar archive, in whatever folder it lies."""
    for name, content in read_archive(archive):
        if PICTURE.fullmatch(name.split("/")[-1]):
            yield "/".join(name.split("/")[-2:]), content


def _from_version_5(value):
    if value.dtype != object:
        return value
    return [str(np.ravel(cell)[0]) for cell in np.ravel(value)]


def _from_hdf5(file, value):
    if value.dtype != object:
        return np.asarray(value).T  # MATLAB stores columns first
    return ["".join(chr(code) for code in np.ravel(file[reference])) for reference in np.ravel(value)]
