"""The pipeline: which component feeds which."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator

from components.artifacts import Artifact, atomic_file, atomic_folder
from components.base import Component
from pipeline import experiments
from pipeline.options import RunOptions
from pipeline.plan import plan
from pipeline.rows import rows_of


@dataclasses.dataclass(frozen=True)
class Node:
    """One component in the pipeline.

    Attributes:
        name: Its name, also of its folder under `artifacts/`.
        component: The component.
        inputs: Input name -> (name of the producing node, name of its output).
    """

    name: str
    component: Component
    inputs: dict[str, tuple[str, str]]


def build(options: RunOptions, source, command: str) -> list[Node]:
    """The nodes of a run, in an order in which they can run."""
    from components.attacker import Attacker
    from components.evaluator import Evaluator
    from components.example_gen import ExampleGen
    from components.packager import Packager
    from components.pusher import Pusher, next_version
    from components.reporter import Reporter
    from components.trainer import Trainer
    from components.transform import Transform

    serving = os.path.join(options.output, "serving")
    hidden = source.hidden if options.hidden is None else options.hidden
    experiment = experiments.load(options.experiment) if options.experiment else None
    work = plan(list(experiment.rows) if experiment else rows_of(options), options, hidden)
    keep = options.keep or os.path.join(options.output, "kept")
    examples = {"examples": ("transform", "examples")}
    trained = examples | {"models": ("trainer", "models")}
    return [
        Node(
            "example_gen",
            ExampleGen(
                source=source,
                target=source.target if options.target is None else options.target,
                hidden=hidden,
                valid_share=options.valid_share,
                test_share=options.test_share,
                official_split=options.split == "official",
                max_bad_share=options.max_bad_share,
            ),
            {},
        ),
        Node(
            "transform",
            Transform(preprocessing=_preprocessing(options, source.kind), max_bad_share=options.max_bad_share),
            {"examples": ("example_gen", "examples")},
        ),
        Node("trainer", Trainer(models=work.models, keep=keep), examples),
        Node("attacker", Attacker(attacks=work.attacks, keep=keep), trained),
        Node(
            "evaluator",
            Evaluator(methods=work.methods, settings=_settings(options, command)),
            trained | {"scores": ("attacker", "scores")},
        ),
        Node(
            "packager",
            Packager(
                model=work.packaged,
                model_name=options.model_name,
                model_version=next_version(serving, options.model_name),
            ),
            trained,
        ),
        Node(
            "reporter",
            Reporter(model=work.packaged, command=command),
            trained
            | {"scores": ("attacker", "scores")}
            | {"evaluation": ("evaluator", "evaluation"), "package": ("packager", "package")},
        ),
        Node(
            "pusher",
            Pusher(serving_folder=serving, edge_folder=os.path.join(options.output, "edge")),
            {"package": ("packager", "package")},
        ),
    ]


def run(nodes: list[Node], output: str, beam_options) -> Iterator[tuple[Node, dict[str, Artifact]]]:
    """Runs the nodes in turn; yields each with its output artifacts when it is done."""
    produced: dict[str, dict[str, Artifact]] = {}
    for node in nodes:
        inputs = {name: produced[producer][key] for name, (producer, key) in node.inputs.items()}
        folder = os.path.join(output, "artifacts", node.name)
        produced[node.name] = node.component.run(inputs, folder, beam_options)
        yield node, produced[node.name]


def publish(artifact: Artifact, name: str, output: str) -> str:
    """Copies a file or folder of an artifact to the output folder, under a temporary name first; returns its path."""
    path = os.path.join(output, name)
    if os.path.isdir(artifact.path(name)):
        with atomic_folder(path) as temporary:
            shutil.copytree(artifact.path(name), temporary, dirs_exist_ok=True)
        return path
    with atomic_file(path) as temporary:
        shutil.copyfile(artifact.path(name), temporary)
    return path


def _preprocessing(options, kind):
    from serving.edge.preprocess import ImagePreprocessing, SpeechPreprocessing

    if kind == "image":
        return ImagePreprocessing(*options.image_size)
    if options.spectrogram == "paper":
        # 165 x 199: docs/costs.md derives the size from the multiply-adds of Table 4.
        return SpeechPreprocessing(frame_length=328, frame_step=79, bands=0)
    return SpeechPreprocessing()


def _settings(options, command):
    return {**dataclasses.asdict(options), "command": command}
