"""Where models lie to be served: `<serving folder>/<model name>/<version>`, and which names may be there."""

from __future__ import annotations

import os
import re

from components.errors import InputError
from components.storage import files

#: Letters, digits, `_`, `-` and `.`, not first: fit for a folder, a URL and TensorFlow Serving's configuration alike.
MODEL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


def check_model_name(name: str) -> None:
    """Refuses a name that would lead out of the serving folder, or that servers would not see.

    Raises:
        InputError: If it is none.
    """
    if not MODEL_NAME.fullmatch(name):
        raise InputError(
            "a model's name (--model_name) must be 1 to 100 letters, digits, '_', '-' or '.', and begin with none of "
            f"the last two; received {name!r}"
        )


def model_folder(serving_folder: str, name: str) -> str:
    """The folder of a model's versions. Raises InputError if the name is none (`check_model_name`)."""
    check_model_name(name)
    return os.path.join(serving_folder, name)


def version_folder(serving_folder: str, name: str, version: int) -> str:
    """The folder of one version. Raises InputError if the name is none (`check_model_name`)."""
    return os.path.join(model_folder(serving_folder, name), str(int(version)))


def next_version(serving_folder: str, name: str) -> int:
    """One more than the highest version that is there, or 1."""
    present = [int(entry) for entry in files.names(model_folder(serving_folder, name)) if entry.isdecimal()]
    return max(present, default=0) + 1
