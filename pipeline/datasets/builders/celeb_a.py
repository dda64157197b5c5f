"""CelebA, aligned and cropped: 40 attributes and an identity for each of 202,599 pictures.

Reference: Liu et al., Deep Learning Face Attributes in the Wild, ICCV 2015.
"""

from __future__ import annotations

import io
import os
import zipfile

import tensorflow_datasets as tfds
from tensorflow_datasets.datasets.celeb_a import celeb_a_dataset_builder as official

SPLITS = (tfds.Split.TRAIN, tfds.Split.VALIDATION, tfds.Split.TEST)  # 0, 1, 2 in list_eval_partition


class Builder(official.Builder, skip_registration=True):
    """tensorflow-datasets' own CelebA 2.1.0 plus each picture's file name.

    It has a name of its own because the examples on disk differ from the parent's. Files that
    were fetched by hand are taken from the manual directory, checked against the same checksums.
    """

    name = "celeb_a_named"
    pkg_dir_path = tfds.core.tfds_path("datasets/celeb_a")  # the parent's description and citation
    url_infos = official.Builder.url_infos  # by default looked for beside this file

    KIND = "image"
    TARGET = tuple(official.ATTR_HEADINGS)
    HIDDEN = ("identity",)
    CLASSES = dict.fromkeys(TARGET, 2)
    OFFICIAL = ("train", "valid", "test")
    CONTENT = "image"

    def _info(self):
        info = super()._info()
        features = tfds.features.FeaturesDict({**info.features, "name": tfds.features.Text()})
        return self.dataset_info_from_configs(features=features, homepage=info.homepage)

    def _split_generators(self, dl_manager):
        files = dl_manager.download(
            {
                "img_align_celeba": official.IMG_ALIGNED_DATA,
                "list_eval_partition": official.EVAL_LIST,
                "list_attr_celeba": official.ATTR_DATA,
                "landmarks_celeba": official.LANDMARKS_DATA,
                "identity_celeba": official.IDENTITY_DATA,
            }
        )
        pictures = _Pictures(files["img_align_celeba"])
        return {split: self._generate_examples(i, files, pictures) for i, split in enumerate(SPLITS)}

    def _generate_examples(self, file_id, downloaded_dirs, downloaded_images):
        examples = super()._generate_examples(file_id, downloaded_dirs, downloaded_images)
        for name, example in examples:
            yield name, {**example, "name": name}

    @staticmethod
    def labels(example) -> dict[str, str]:
        """Returns the 40 attributes as `"0"` or `"1"`, and the identity's number."""
        attributes = {column: str(int(value)) for column, value in example["attributes"].items()}
        return {**attributes, "identity": str(example["identity"]["Identity_No"])}


class _Pictures:
    """File name -> picture, read from the archive when it is asked for.

    The parent keeps every member of the archive open, which takes more than 1 GB.
    """

    def __init__(self, path):
        self._archive = zipfile.ZipFile(os.fspath(path))
        self._members = {os.path.basename(member): member for member in self._archive.namelist()}

    def __getitem__(self, file_name: str) -> io.BytesIO:
        return io.BytesIO(self._archive.read(self._members[file_name]))
