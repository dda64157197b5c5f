"""Pusher: puts a package where the cloud server and the edge find it, so that neither ever sees half a model."""

from __future__ import annotations

import os
import shutil

import apache_beam as beam

from components.base import Component, ComponentSpec
from components.blessing import refusals
from components.storage import files
from components.storage.artifacts import Blessing, Deployment, Package, atomic_file, atomic_folder, write_json
from components.storage.local_copies import local_copy
from components.storage.model_folders import version_folder
from components.storage.temporaries import TEMPORARY_PREFIX
from serving.cloud.deployment import MODELS_CONFIG, server_files
from serving.edge import manifest
from serving.edge.bundle import EDGE_ONLY
from serving.edge.edge_only import load_either
from serving.edge.errors import BundleError

SAVED_MODEL = "saved_model.pb"


class Pusher(Component):
    """Copies `serving/` to `<serving_folder>/<model name>/<version>/`, `edge/` and `edge_only/` to their folders.

    Beside the models it writes what TensorFlow Serving's stock image starts from (`serving.cloud.deployment`); files
    of those names that a user changed are kept, except for the list of models.

    Parameters:
        serving_folder: Base path of the cloud server's models.
        edge_folder: Where the bundle goes; an older bundle is replaced.
        edge_only_folder: Where the edge-only bundle goes; an older one is replaced, or removed if there is none now.

    Inputs:
        package: `Package`.
        blessing: `Blessing` of the model by the evaluator.
        infra_blessing: `Blessing` of the package by the infra validator.

    Outputs:
        deployment: `Deployment`: `deployment.json` with `pushed`, and the paths `serving`, `edge` and `edge_only`
            (`null` if there is none); or, if one of them does not bless it, with `refusals`, and nothing is pushed.
    """

    spec = ComponentSpec(
        inputs={"package": Package, "blessing": Blessing, "infra_blessing": Blessing},
        outputs={"deployment": Deployment},
        parameters={"serving_folder": str, "edge_folder": str, "edge_only_folder": str},
    )
    without_effect = ("serving_folder", "edge_folder", "edge_only_folder")  # `still_there` looks into those of now

    def still_there(self, folder):
        """Whether the served version and the bundles are there too."""
        if not super().still_there(folder):
            return False
        pushed = self.outputs(folder)["deployment"].read_json("deployment.json")
        if not pushed["pushed"]:
            return True
        # By the names inside the folders of now: the run may have been moved or copied.
        served = os.path.join(self.parameters["serving_folder"], *pushed["serving"].split("/")[-2:])
        bundles = [self.parameters[f"{name}_folder"] for name in ("edge", EDGE_ONLY) if pushed.get(name)]
        if not files.exists(os.path.join(served, SAVED_MODEL)) or not all(map(_is_pushed_bundle, bundles)):
            return False
        return files.is_remote(served) or _is_pushed(_described(bundles[0]).cloud_files, served)

    def execute(self, inputs, outputs, options):
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Package" >> beam.Create([inputs["package"]])
                | "Push" >> beam.Map(self._push, [inputs[name] for name in ("blessing", "infra_blessing")])
                | "Record" >> beam.Map(lambda paths: write_json(outputs["deployment"].path("deployment.json"), paths))
            )

    def _push(self, package, blessings):
        found = [blessing.read_json("blessing.json") for blessing in blessings]
        if not all(blessing["blessed"] for blessing in found):
            return {"pushed": False, "refusals": refusals(found)}
        package = Package(local_copy(package.uri))
        described = _described(package.path("edge"))
        served = version_folder(self.parameters["serving_folder"], described.model_name, described.model_version)
        if not _is_pushed(described.cloud_files, served):
            push_saved_model(package.path("serving"), served)
        _write_server_files(self.parameters["serving_folder"])
        edge = _push_bundle(package.path("edge"), self.parameters["edge_folder"])
        edge_only = _push_bundle(package.path(EDGE_ONLY), self.parameters["edge_only_folder"])
        return {"pushed": True, "serving": served, "edge": edge, EDGE_ONLY: edge_only}


def _described(bundle):
    with open(os.path.join(bundle, manifest.FILE), encoding="utf-8") as file:
        return manifest.Manifest.from_json(file.read())


def _is_pushed_bundle(folder):
    """Whether a bundle is there, its files as they were made; of a remote one, whether it is there."""
    if files.is_remote(folder):
        return files.is_whole(folder)
    try:
        load_either(folder)
    except BundleError:
        return False
    return True


def _push_bundle(source, folder):
    """Puts a bundle in the place of an older one, or removes that if there is none; returns where it is, or `None`."""
    if not os.path.isdir(source):
        files.remove(folder)
        return None
    with atomic_folder(folder) as temporary:
        shutil.copytree(source, temporary, dirs_exist_ok=True)
    return folder


def _is_pushed(hashes, version_folder):
    """Whether a push that was stopped afterwards had put these files, name -> hash, there already."""
    there = files.exists(os.path.join(version_folder, SAVED_MODEL))
    return there and manifest.hash_files(local_copy(version_folder)) == hashes


def _write_server_files(folder):
    present = [name for name in files.names(folder) if not name.startswith(".")]
    models = [name for name in present if files.is_folder(os.path.join(folder, name))]
    for name, text in server_files(models).items():
        path = os.path.join(folder, name)
        if name == MODELS_CONFIG or name not in present:
            with atomic_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
                file.write(text)


def push_saved_model(source: str, version_folder: str) -> None:
    """Copies a SavedModel so that `saved_model.pb`, by which servers know a model, appears last.

    A version folder without that file is what a killed push left; it is replaced.

    Args:
        source: A local folder.
        version_folder: Where it goes, `<serving folder>/<model name>/<version>`.

    Raises:
        FileExistsError: If the version is there already; versions are never overwritten under a running server.
    """
    if files.exists(os.path.join(version_folder, SAVED_MODEL)):
        raise FileExistsError(f"version folder {version_folder} exists; push another version")
    files.remove(version_folder)
    if files.is_remote(version_folder):
        files.upload(source, version_folder, last=SAVED_MODEL)
        return
    # Outside the model's folder: a server must not take a temporary folder for a version.
    temporary = os.path.join(
        os.path.dirname(os.path.dirname(version_folder)),
        f"{TEMPORARY_PREFIX}{os.path.basename(os.path.dirname(version_folder))}",
    )
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        shutil.copytree(source, temporary)
    except BaseException:  # a full disk, Ctrl-C
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    os.makedirs(version_folder)
    for name in sorted(os.listdir(temporary), key=lambda name: name == SAVED_MODEL):
        os.rename(os.path.join(temporary, name), os.path.join(version_folder, name))
    os.rmdir(temporary)
