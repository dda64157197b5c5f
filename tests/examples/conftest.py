"""A small run's examples, which the examples are tested on."""

import argparse

import pytest

from examples import data
from tests import datasets


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """An output folder with 240 drawn pictures, 32 x 32, of 4 people, with the labels red and bright."""
    folder = tmp_path_factory.mktemp("run")
    drawn = datasets.pictures(folder / "drawn", n=240)
    flags = argparse.Namespace(dataset=f"folder:{drawn}", target=None, examples=240, image_size=32, seed=0)
    data.prepare(flags, str(folder / "artifacts"))
    return str(folder)
