"""The pipeline: which component feeds which."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator

from components.artifacts import Artifact, atomic_file
from components.base import Component
from pipeline.options import RunOptions, complete

MODEL_OPTIONS = (
    "hidden_units",
    "width",
    "epochs",
    "batch_size",
    "curriculum",
    "standardize",
    "learning_rate",
    "weight_decay",
    "augment",
)


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

    options = complete(options, source.kind)
    configs, methods = _models(options)
    packaged = next(config for config in configs if config.mixing).name
    serving = os.path.join(options.output, "serving")
    hidden = source.hidden if options.hidden is None else options.hidden
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
        Node("trainer", Trainer(models=configs), examples),
        Node("attacker", Attacker(attacks=_attacks(options, configs, hidden)), trained),
        Node(
            "evaluator",
            Evaluator(methods=methods, settings=_settings(options, command)),
            trained | {"scores": ("attacker", "scores")},
        ),
        Node(
            "packager",
            Packager(
                model=packaged,
                model_name=options.model_name,
                model_version=next_version(serving, options.model_name),
            ),
            trained,
        ),
        Node(
            "reporter",
            Reporter(model=packaged, command=command),
            trained | {"evaluation": ("evaluator", "evaluation"), "package": ("packager", "package")},
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
    """Copies a file of an artifact to the output folder, under a temporary name first; returns its path."""
    path = os.path.join(output, name)
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


def _models(options):
    """The models to train, and the pairs (method, model name) to compare."""
    from components.trainer import ModelConfig

    def config(method, seed, num_pre_blocks=options.num_pre_blocks[0], group_size=1, level=0.0):
        return ModelConfig(
            method=method,
            level=level,
            num_pre_blocks=num_pre_blocks,
            group_size=group_size,
            seed=seed,
            **{key: getattr(options, key) for key in MODEL_OPTIONS},
        )

    configs, methods = [], []
    for seed in range(options.seed, options.seed + options.repeats):
        if {"edge", "cloud"} & set(options.methods):
            configs.append(config("plain", seed))
            methods += [(name, configs[-1].name) for name in ("edge", "cloud") if name in options.methods]
        for method, levels in (("noise", options.noise), ("blur", options.blur)):
            for level in levels if method in options.methods else ():
                configs.append(config(method, seed, level=level))
                methods.append((method, configs[-1].name))
        for num_pre_blocks in options.num_pre_blocks:
            configs.append(config("datamix", seed, num_pre_blocks, options.group_size))
            methods.append(("datamix", configs[-1].name))
    return configs, methods


def _attacks(options, configs, hidden):
    from components.attacker import TARGET, AttackConfig

    if not options.attack_epochs:
        return []
    return [
        AttackConfig(config.name, label, options.attack_epochs, options.batch_size, options.min_examples, config.seed)
        for config in configs
        for label in (TARGET, *hidden)
    ]


def _settings(options, command):
    return {**dataclasses.asdict(options), "command": command}
