"""The data sets that `--dataset` takes, each a `components.storage.records.Source`."""

from __future__ import annotations

from components.errors import InputError

BUILT_IN = ("avatars", "tones")
TFDS = (
    "celeb_a",
    "lfwa",
    "utkface",
    "facescrub",
    "speech_commands",
    "emnist_writers",
)  # pipeline.datasets.builders.NAMES, which imports too much for --help


def open_dataset(text: str, *, seed: int = 0, examples: int | None = None, data_dir: str | None = None):
    """Opens what stands after `--dataset`.

    Args:
        text: `avatars`, `tones`, the name of a builder, or `folder:PATH`.
        seed: Seed of a generated data set.
        examples: Size of a generated data set, or most examples of a folder; `None` for its default.
        data_dir: Where tensorflow-datasets keeps its data; `None` for its default.

    Returns:
        A `Source`.

    Raises:
        InputError: If there is no such data set, or it cannot be opened.
    """
    if text.startswith("folder:"):
        from pipeline.datasets.folder import Folder

        source = Folder(text.removeprefix("folder:"), examples)
        _ = source.columns  # looks into it now, so that a bad path is told before any work
        return source
    if text in BUILT_IN:
        from pipeline.datasets.avatars import Avatars
        from pipeline.datasets.tones import Tones

        size = {} if examples is None else {"examples": examples}
        return {"avatars": Avatars, "tones": Tones}[text](seed=seed, **size)
    if text in TFDS:
        from pipeline.datasets.tfds_source import TfdsSource

        return TfdsSource(text, data_dir)
    known = ", ".join([*BUILT_IN, *TFDS, "folder:PATH"])
    raise InputError(f"there is no data set {text!r}; expected one of {known}")
