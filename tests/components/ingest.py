"""ExampleGen and Transform, run on a folder."""

from components.example_gen import ExampleGen
from components.storage.artifacts import Examples
from components.training.data import arrays
from components.transform import Transform
from pipeline.datasets.folder import Folder
from serving.edge.preprocess import ImagePreprocessing


def ingest(path, folder, **changes):
    source = Folder(str(path))
    parameters = {
        "source": source,
        "target": source.target,
        "hidden": source.hidden,
        "valid_share": 0.2,
        "test_share": 0.2,
        "official_split": False,
        "max_bad_share": 0.05,
    }
    return ExampleGen(**{**parameters, **changes}).run({}, str(folder / "example_gen"))["examples"]


def transform(raw, folder, preprocessing=None, max_bad_share=0.05):
    component = Transform(preprocessing=preprocessing or ImagePreprocessing(32, 32), max_bad_share=max_bad_share)
    return component.run({"examples": raw}, str(folder / "transform"))["examples"]


def splits_by_name(examples: Examples):
    return {name: split for split in ("train", "valid", "test") for name in arrays(examples, split)[0]}
