"""The pipeline: which component feeds which."""

from __future__ import annotations

import base64
import dataclasses
import os
import shutil
from collections.abc import Callable

from components.base import Component
from components.errors import InputError
from components.storage import files
from components.storage.artifacts import Artifact, atomic_file, atomic_folder
from components.storage.local_copies import local_copy
from components.training.own_model import OwnModel
from pipeline import experiments
from pipeline.experiments.plan import Plan, plan
from pipeline.experiments.rows import rows_of
from pipeline.options.run_options import RunOptions
from pipeline.orchestration.cache_key import identity
from serving.edge.bundle import EDGE_ONLY

#: What most nodes take: examples, and trained models beside them.
EXAMPLES = {"examples": ("transform", "examples")}
TRAINED = EXAMPLES | {"models": ("trainer", "models")}


@dataclasses.dataclass(frozen=True)
class Node:
    """One component in the pipeline.

    Attributes:
        name: Its name, also of its folder under `artifacts/`.
        component: The component.
        inputs: Input name -> (name of the producing node, name of its output).
        decides: Where the nodes behind it depend on what it makes: from its outputs to these nodes, of the same names.
    """

    name: str
    component: Component
    inputs: dict[str, tuple[str, str]]
    decides: Callable[[dict[str, Artifact]], list[Node]] | None = None


def build(options: RunOptions, source, network: OwnModel | None = None) -> list[Node]:
    """The nodes of a run, in an order in which they can run.

    Args:
        options: `RunOptions`.
        source: The data set.
        network: The user's own model, if there is one; where it is cut is then decided first.
    """
    experiment = experiments.load(options.experiment) if options.experiment else None
    rows, hidden = list(experiment.rows) if experiment else rows_of(options), hidden_columns(options, source)

    def rest(own):
        work = plan(rows, options, hidden, own)
        return [*measured(options, work), *delivered(options, work)]

    if network is None:
        return [*prepared(options, source), *rest(None)]
    return [*prepared(options, source, network), _cutter(options, network, rest), *rest(network)]


def _cutter(options, network, rest):
    from components.cutter import Cutter
    from components.records.cuts import CUTS_FILE, CutTable

    def decides(outputs):
        table = outputs["cuts"].read(CUTS_FILE, CutTable)
        return rest(dataclasses.replace(network, cuts=table.chosen, before=table.before))

    limits = {"max_edge_macs": options.max_edge_macs, "max_bytes_up": options.max_bytes_up}
    cutter = Cutter(network=network, attribute_logits=options.attribute_logits, **limits)
    return Node("cutter", cutter, EXAMPLES, decides)


def hidden_columns(options: RunOptions, source) -> tuple[str, ...]:
    """The label columns that an attacker is after."""
    return source.hidden if options.hidden is None else options.hidden


def prepared(options: RunOptions, source, network: OwnModel | None = None) -> list[Node]:
    """From a data set to examples, as a user's own model takes them if there is one."""
    from components.example_gen import ExampleGen
    from components.transform import Transform

    return [
        Node(
            "example_gen",
            ExampleGen(
                source=source,
                target=source.target if options.target is None else options.target,
                hidden=hidden_columns(options, source),
                valid_share=options.valid_share,
                test_share=options.test_share,
                official_split=options.split == "official",
                max_bad_share=options.max_bad_share,
            ),
            {},
        ),
        Node(
            "transform",
            Transform(preprocessing=preprocessing(options, source.kind, network), max_bad_share=options.max_bad_share),
            {"examples": ("example_gen", "examples")},
        ),
    ]


def measured(options: RunOptions, work: Plan) -> list[Node]:
    """From examples to trained models, attacks and `metrics.json`."""
    from components.attacker import Attacker
    from components.blessing import Thresholds
    from components.evaluation.answer import Limits
    from components.evaluator import Evaluator
    from components.trainer import Trainer

    keep = options.keep or os.path.join(options.output, "kept")
    return [
        Node("trainer", Trainer(models=work.models, keep=keep, distribution=_distribution(options)), EXAMPLES),
        Node("attacker", Attacker(attacks=work.attacks, keep=keep), TRAINED),
        Node(
            "evaluator",
            Evaluator(
                methods=work.methods,
                model=work.packaged,
                thresholds=Thresholds(options.min_balanced_accuracy, options.max_leakage),
                limits=Limits(options.max_leakage, options.max_edge_macs, options.max_accuracy_drop),
            ),
            TRAINED | {"scores": ("attacker", "scores")},
        ),
    ]


def delivered(options: RunOptions, work: Plan) -> list[Node]:
    """From trained models to the page, the cloud's model and the edge's bundles."""
    from components.infra_validator import InfraValidator
    from components.packager import Packager
    from components.pusher import Pusher
    from components.reporter import Reporter

    serving = os.path.join(options.output, "serving")
    return [
        Node(
            "packager",
            Packager(
                model=work.packaged,
                model_name=options.model_name,
                serving_folder=serving,
                edge_only=work.edge_only,
                gateway_keys=gateway_keys(options.gateway_keys),
            ),
            TRAINED | {"evaluation": ("evaluator", "evaluation")},
        ),
        Node(
            "reporter",
            Reporter(model=work.packaged),
            TRAINED
            | {"raw": ("example_gen", "examples")}
            | {"scores": ("attacker", "scores")}
            | {"evaluation": ("evaluator", "evaluation"), "package": ("packager", "package")},
        ),
        Node("infra_validator", InfraValidator(), {"package": ("packager", "package"), **EXAMPLES}),
        Node(
            "pusher",
            Pusher(
                serving_folder=serving,
                edge_folder=os.path.join(options.output, "edge"),
                edge_only_folder=os.path.join(options.output, EDGE_ONLY),
            ),
            {
                "package": ("packager", "package"),
                "blessing": ("evaluator", "blessing"),
                "infra_blessing": ("infra_validator", "blessing"),
            },
        ),
    ]


@dataclasses.dataclass(frozen=True)
class Extent:
    """Which part of a pipeline is run.

    Attributes:
        from_node: The first node to run, or `None`; what is before it must have been run, and is taken as it is.
        to_node: The last node to run, or `None`.
        cache: Whether a node is skipped if everything that it depends on is unchanged.
    """

    from_node: str | None = None
    to_node: str | None = None
    cache: bool = True


@dataclasses.dataclass(frozen=True)
class Done:
    """A node that is done.

    Attributes:
        node: The node.
        outputs: Output name -> artifact.
        cached: Whether it was skipped.
    """

    node: Node
    outputs: dict[str, Artifact]
    cached: bool


def run(nodes: list[Node], output: str, beam_options, store, command: str, extent: Extent | None = None):
    """Runs the nodes in turn; yields a `Done` for each.

    Args:
        nodes: In an order in which they can run.
        output: Artifacts are written to `artifacts/<node>/<output name>` in it.
        beam_options: Beam's.
        store: A `LineageStore`.
        command: The command line, for the record.
        extent: Which part of it.

    Raises:
        InputError: If the extent names no node, or needs a node that has not been run.
    """
    extent = extent or Extent()
    first, last = _bounds([node.name for node in nodes], extent)
    produced: dict[str, tuple[dict[str, Artifact], dict[str, str]]] = {}
    nodes = list(nodes)
    for index in range(last + 1):
        node = nodes[index]
        folder = os.path.join(output, "artifacts", node.name)
        taken = {name: (produced[producer], key) for name, (producer, key) in node.inputs.items()}
        inputs = {name: artifacts[key] for name, ((artifacts, _), key) in taken.items()}
        ids = {name: known[key] for name, ((_, known), key) in taken.items()}
        if index < first:
            found = store.live(node.name)
            if not found or not node.component.still_there(folder):
                raise InputError(f"--from_node {extent.from_node} needs what {node.name} makes; run without it first")
            done, outputs = True, found
        else:
            done, outputs = execute(node, inputs, ids, folder, beam_options, store, command, extent.cache)
        produced[node.name] = node.component.outputs(folder), outputs
        if node.decides:
            nodes[index + 1 :] = node.decides(produced[node.name][0])
        yield Done(node, produced[node.name][0], done)


def unchanged(nodes: list[Node], output: str, store, extent: Extent | None = None) -> dict[str, str]:
    """The nodes that a run will skip because all that they depend on is as it was, name -> folder of its artifacts.

    The arguments are those of `run`.
    """
    extent = extent or Extent()
    first, last = _bounds([node.name for node in nodes], extent)
    known: dict[str, dict[str, str]] = {}
    for index, node in enumerate(nodes[: last + 1]):
        if any(producer not in known for producer, _ in node.inputs.values()):
            continue
        folder = os.path.join(output, "artifacts", node.name)
        ids = {name: known[producer][key] for name, (producer, key) in node.inputs.items()}
        if index >= first and not extent.cache:
            continue
        found = store.live(node.name, identity(node.component, ids).cache_key if index >= first else None)
        if found and node.component.still_there(folder):
            known[node.name] = found
    return {name: os.path.join(output, "artifacts", name) for name in known}


def is_unchanged(node: Node, ids: dict[str, str], folder: str, store) -> bool:
    """Whether a node's live outputs are what it would make of inputs with these ids (input name -> id)."""
    found = store.live(node.name, identity(node.component, ids).cache_key)
    return bool(found) and node.component.still_there(folder)


def within(nodes: list[Node], extent: Extent) -> list[Node]:
    """The nodes that a run goes through. Raises InputError as `run` does."""
    return nodes[: _bounds([node.name for node in nodes], extent)[1] + 1]


def execute(node: Node, inputs, ids, folder, beam_options, store, command, cache=True) -> tuple[bool, dict[str, str]]:
    """Runs one node, or skips it if its live outputs are what it would make; records either.

    Args:
        node: The node.
        inputs: Input name -> artifact.
        ids: Input name -> the artifact's id in the store.
        folder: Where the outputs go.
        beam_options: Beam's.
        store: A `LineageStore`.
        command: The command line, for the record.
        cache: Whether it may be skipped.

    Returns:
        `(skipped, outputs)`: whether it was skipped, and output name -> artifact id.
    """
    known = identity(node.component, ids)
    found = store.live(node.name, known.cache_key) if cache else {}
    if found and node.component.still_there(folder):
        store.reuse(node.name, known, command)
        return True, found
    execution = store.start(node.name, known, command)
    try:
        made = node.component.run(inputs, folder, beam_options)
    except BaseException as error:
        store.fail(execution, f"{type(error).__name__}: {error}")
        raise
    return False, store.finish(execution, {name: (type(a).__name__, a.uri) for name, a in made.items()})


def _bounds(names, extent):
    for flag, name in (("--from_node", extent.from_node), ("--to_node", extent.to_node)):
        if name is not None and name not in names:
            raise InputError(f"{flag} takes {', '.join(names)}; received {name!r}")
    first = names.index(extent.from_node) if extent.from_node else 0
    last = names.index(extent.to_node) if extent.to_node else len(names) - 1
    if first > last:
        raise InputError(f"--from_node {extent.from_node} comes after --to_node {extent.to_node}")
    return first, last


def publish(artifact: Artifact, name: str, output: str) -> str:
    """Copies a file or folder of an artifact to the output folder, under a temporary name first; returns its path."""
    path, source = os.path.join(output, name), local_copy(artifact.path(name))
    if os.path.isdir(source):
        with atomic_folder(path) as temporary:
            shutil.copytree(source, temporary, dirs_exist_ok=True)
        return path
    with atomic_file(path) as temporary:
        shutil.copyfile(source, temporary)
    return path


def gateway_keys(path: str | None) -> dict[str, str]:
    """The key configurations in a file, SHA-256 -> base64; none without a file. Raises InputError for another file."""
    if not path:
        return {}
    from serving.protocol.ohttp import read_configs

    try:
        configs = read_configs(files.read_bytes(path))
    except (OSError, ValueError) as error:
        raise InputError(f"--gateway_keys {path} cannot be used: {error}") from None
    return {config.fingerprint: base64.b64encode(config.to_bytes()).decode() for config in configs}


def _distribution(options):
    from components.training.distribution import JOB, Distribution

    return Distribution(options.replicas, options.train_workers, os.path.join(options.output, JOB))


def preprocessing(options: RunOptions, kind: str, network: OwnModel | None = None):
    """What makes arrays of files of a kind, `"image"` or `"audio"`: one of `serving.edge.preprocess`.

    Args:
        options: `RunOptions`.
        kind: The kind.
        network: The user's own model, which may take grey pictures.
    """
    from serving.edge.preprocess import ImagePreprocessing, SpeechPreprocessing

    if kind == "image":
        gray = network is not None and network.shape[-1] == 1
        return ImagePreprocessing(*options.image_size, channels=1 if gray else 3, crop=options.crop)
    if options.spectrogram == "paper":
        # 161 x 201: windows of 20 ms every 5 ms; all of Table 4's multiply-adds agree with it (docs/results/costs.md).
        return SpeechPreprocessing(frame_length=320, frame_step=80, bands=0, centred=True)
    return SpeechPreprocessing()
