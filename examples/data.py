"""What the examples are run on: generated portraits, any data set of the pipeline, or a finished run's examples."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile

import numpy as np

PEOPLE, MIN_PICTURES = 10, 4


def add_flags(parser: argparse.ArgumentParser, examples: int, image_size: int, target: str = "") -> None:
    """Adds the flags that `load` reads.

    Args:
        parser: The command's.
        examples: Default of `--examples`.
        image_size: Default of `--image_size`, in pixels.
        target: The column of the avatars that a model learns; default: their attributes.
    """
    add = parser.add_argument
    add("--dataset", default="avatars", help="avatars (generated, the default) or, as for pipeline.run, folder:PATH")
    add("--target", help="columns that a model learns, with commas (default: what the data set says)")
    add("--run", metavar="RUN_DIR", help="take the examples of a finished pipeline.run instead")
    add("--examples", type=int, default=examples, help=f"most pictures (default: {examples})")
    add("--image_size", type=int, default=image_size, help=f"their rows and columns (default: {image_size})")
    add("--seed", type=int, default=0, help="seed of data, training and attacks (default: 0)")
    parser.set_defaults(of_avatars=target)


class Data:
    """Pictures with labels, split by a hash of their content.

    Args:
        examples: A `components.storage.artifacts.Examples`; it is read at once.

    Attributes:
        schema: What the pipeline knows of the data: shape, mean, variance, preprocessing.
        task: What a model learns, a `components.training.data.Task`.
        target: Split name -> `(x [n, height, width, channels], y)`, y int32 `[n]` or `[n, labels]`.
        hidden: The first hidden column, such as `identity`, or None.
        people: Split name -> `(x, y [n])` with the hidden column's classes; empty if there is none.
    """

    def __init__(self, examples):
        from components.training.data import arrays, target_task

        self.schema = examples.schema()
        self.task = target_task(self.schema)
        self.hidden = next(iter(self.schema.hidden), None)
        splits = ("train", "valid", "test")
        self.target = {split: arrays(examples, split)[1:] for split in splits}
        self.people = {split: arrays(examples, split, self.hidden)[1:] for split in splits if self.hidden}

    def chance(self) -> float:
        """The accuracy of always naming what is most frequent in the test split, 0 to 1."""
        y = self.target["test"][1]
        if self.task.kind == "binary":
            return float(np.maximum(y.mean(0), 1 - y.mean(0)).mean())
        return float(np.bincount(y).max() / len(y))

    def strangers_left_out(self) -> tuple[dict, int]:
        """`people` with those alone who have `MIN_PICTURES` in the train split and one in the test split.

        Returns:
            `(people, classes)`, with classes renumbered.

        Raises:
            InputError: If there is no hidden column, or fewer than two such people.
        """
        from components.errors import InputError
        from components.training.label_splits import known_classes, only

        if not self.people:
            raise InputError("expected a data set with a hidden column, this one has none; name it in dataset.json")
        known = known_classes(self.people["train"][1], self.people["test"][1], MIN_PICTURES)
        if len(known) < 2:
            raise InputError(
                f"expected two values of {self.hidden!r} with {MIN_PICTURES} train pictures, found {len(known)}; "
                "give more --examples"
            )
        return {split: only(known, *pair) for split, pair in self.people.items()}, len(known)

    def normalization(self):
        """A layer that standardises each channel with the train split's statistics."""
        import keras

        return keras.layers.Normalization(mean=self.schema.mean, variance=self.schema.variance, name="normalization")


def load(arguments) -> Data:
    """The data that the flags name.

    Raises:
        InputError: If there is no such data set or run, it has no pictures, or too few of them.
    """
    from components.errors import InputError
    from components.storage.artifacts import Examples

    if arguments.run:
        folder = os.path.join(arguments.run, "artifacts", "transform", "examples")
        if not os.path.exists(os.path.join(folder, "schema.json")):
            raise InputError(
                f"--run takes the output folder of a finished pipeline.run; {arguments.run!r} has no {folder}"
            )
        data = Data(Examples(folder))
    else:
        with tempfile.TemporaryDirectory() as folder:
            data = Data(prepare(arguments, folder))
    if data.schema.kind != "image":
        raise InputError("the examples expect pictures, this data set is of recordings; name one with pictures")
    return data


def prepare(arguments, folder: str):
    """Reads, decodes and splits the data set with the pipeline's first two components; gives its `Examples`."""
    from components.errors import InputError
    from components.example_gen import ExampleGen
    from components.transform import Transform
    from pipeline.datasets import open_dataset
    from pipeline.datasets.avatars import Avatars
    from serving.edge.preprocess import ImagePreprocessing

    if arguments.examples < 64 or arguments.image_size < 16:
        raise InputError(
            f"expected at least 64 examples of 16 pixels, received --examples {arguments.examples} "
            f"--image_size {arguments.image_size}; give more"
        )
    wanted = arguments.target
    if arguments.dataset == "avatars":
        source, wanted = Avatars(arguments.examples, PEOPLE, arguments.seed), wanted or arguments.of_avatars
    else:
        source = open_dataset(arguments.dataset, seed=arguments.seed, examples=arguments.examples)
    target = tuple(wanted.split(",")) if wanted else source.target
    raw = ExampleGen(
        source=source,
        target=target,
        hidden=tuple(column for column in source.hidden if column not in target),
        valid_share=0.2,
        test_share=0.25,
        official_split=False,
        max_bad_share=0.05,
    ).run({}, os.path.join(folder, "example_gen"))["examples"]
    size = ImagePreprocessing(arguments.image_size, arguments.image_size)
    transform = Transform(preprocessing=size, max_bad_share=0.05)
    return transform.run({"examples": raw}, os.path.join(folder, "transform"))["examples"]


def chosen(text: str, known) -> list[str]:
    """The names in a flag's value, with commas; all of the known ones if it is empty.

    Raises:
        InputError: If one is not known.
    """
    from components.errors import InputError

    names = text.split(",") if text else list(known)
    if set(names) - set(known):
        raise InputError(f"--methods takes some of {', '.join(known)}, with commas; received {text!r}")
    return names


def run(main) -> int:
    """Runs a command; bad input is one line on standard error and exit status 1."""
    from components.errors import InputError

    try:
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0
