"""Handwritten digits with their writers: 100 writers with 130 digits each, from QMNIST's labels.

EMNIST itself does not say who wrote what; QMNIST is the same NIST digits, brought back to MNIST's form with their
writers, which is what the obfuscation paper needs.

Reference: Yadav and Bottou, Cold Case: The Lost MNIST Digits, NeurIPS 2019; Samragh et al., Unsupervised Information
Obfuscation (2021), section 5.1.
"""

from __future__ import annotations

import gzip
import io
import os
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

PARTS = ("train", "test")
FILES = tuple(f"qmnist-{part}-{kind}.gz" for part in PARTS for kind in ("images-idx3-ubyte", "labels-idx2-int"))
HOMEPAGE = "https://github.com/facebookresearch/qmnist"
WRITERS, DIGITS_EACH = 100, 130
SPLITS = {"train": 10_000, "validation": 1_500, "test": 1_500}
DIGIT, WRITER = 0, 2  # columns of QMNIST's labels
IDX_TYPES = {0x08: np.dtype("u1"), 0x0C: np.dtype(">i4")}


class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """The 100 writers with the most digits, 130 of each, in a fixed random order split 10,000/1,500/1,500."""

    name = "emnist_writers"
    VERSION = tfds.core.Version("1.0.0")
    url_infos = {}
    manual_files = FILES
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"{', '.join(FILES)}, from {HOMEPAGE}"

    KIND = "image"
    TARGET = ("digit",)
    HIDDEN = ("writer",)
    CLASSES = {"digit": 10}
    OFFICIAL = ("train", "valid", "test")
    CONTENT = "image"

    def _info(self):
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(28, 28, 1), encoding_format="png"),
                "digit": tfds.features.ClassLabel(num_classes=10),
                "writer": np.int64,
                "name": tfds.features.Text(),
            }
        )
        return tfds.core.DatasetInfo(builder=self, description=__doc__, features=features, homepage=HOMEPAGE)

    def _split_generators(self, dl_manager):
        folder = os.fspath(dl_manager.manual_dir)
        content = [read_idx(os.path.join(folder, name)) for name in FILES]
        images, labels = np.concatenate(content[0::2]), np.concatenate(content[1::2])
        if labels.ndim != 2 or len(labels) != len(images):
            raise ValueError(f"Expected QMNIST's extended labels; received {labels.shape} for {images.shape} images")
        chosen = choose_digits(labels[:, WRITER])
        ends = np.cumsum([*SPLITS.values()])
        parts = np.split(chosen, ends[:-1])
        return {split: self._generate_examples(images, labels, part) for split, part in zip(SPLITS, parts, strict=True)}

    def _generate_examples(self, images, labels, indices):
        from PIL import Image

        for index in indices:
            file = io.BytesIO()
            Image.fromarray(images[index]).save(file, "PNG")
            digit, writer = int(labels[index, DIGIT]), int(labels[index, WRITER])
            name = f"{writer:04d}/{index:06d}.png"
            yield name, {"image": file.getvalue(), "digit": digit, "writer": writer, "name": name}

    @staticmethod
    def labels(example) -> dict[str, str]:
        """Returns the digit and the writer's number."""
        return {"digit": str(int(example["digit"])), "writer": str(int(example["writer"]))}


def choose_digits(writers) -> np.ndarray:
    """Indices of `DIGITS_EACH` digits of each of the `WRITERS` most frequent writers, in a fixed random order.

    Raises:
        ValueError: If there are not so many.
    """
    values, counts = np.unique(writers, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:WRITERS]
    if len(order) < WRITERS or counts[order].min() < DIGITS_EACH:
        raise ValueError(
            f"Expected {WRITERS} writers with {DIGITS_EACH} digits each; received {len(values)} writers, of whom "
            f"{int((counts >= DIGITS_EACH).sum())} have so many."
        )
    random = np.random.default_rng(0)
    chosen = [random.permutation(np.flatnonzero(writers == value))[:DIGITS_EACH] for value in values[order]]
    return random.permutation(np.concatenate(chosen))


def read_idx(path: str) -> np.ndarray:
    """An array from a gzipped IDX file.

    Raises:
        ValueError: If it is none, or cut off.
    """
    with gzip.open(path) as file:
        content = file.read()
    dtype: Any = IDX_TYPES.get(content[2]) if len(content) > 3 else None
    if dtype is None or content[:2] != b"\0\0":
        raise ValueError(f"{path} is no IDX file of bytes or ints")
    ranks = content[3]
    shape = np.frombuffer(content, ">i4", ranks, 4)
    values = np.frombuffer(content, dtype, offset=4 + 4 * ranks)
    if values.size != np.prod(shape):
        raise ValueError(f"{path} is cut off: expected {tuple(shape)} values, received {values.size}")
    return values.reshape(shape)
