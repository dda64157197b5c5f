"""`python -m pipeline.obfuscation`: the figures of the obfuscation paper, each from one command."""

from __future__ import annotations

import dataclasses
import os
import shlex
import sys
import typing

from components.errors import InputError
from components.storage.artifacts import atomic_file, write_json
from datamix_tf.settings import REQUIRED, at_least, like, setting
from pipeline.options import flags
from pipeline.options.attack_options import AttackOptions
from pipeline.options.data_options import DataOptions, check_shares
from pipeline.options.output_options import OutputOptions
from pipeline.options.training_options import TrainingOptions
from pipeline.orchestration.command import check_columns, make_beam_options, opened_store, run_command

if typing.TYPE_CHECKING:
    from components.obfuscation import ObfuscationConfig, SplitNetConfig

DESCRIPTION = """\
Trains the six-layer network of the obfuscation paper, obfuscates what its edge half sends, and measures what an
adversary reads of hidden labels: figure 2 (signal content by layer), 3 (attacks by split layer), 4 to 6 (trade-offs
against pruning, adversarial training and others at the input of FC1), 7 (several hidden attributes). Writes
figureN.png, obfuscation.json and obfuscation.md; the profile that the server publishes (profile.json), the client's
choice from it (choice.json), and both halves of that: edge/client.tflite and serving/. Any Beam option may follow."""
FIGURES = (2, 3, 4, 5, 6, 7)
MIDDLE = 4  # the input of FC1, where the paper draws its trade-offs
MAX_DROP = 0.01
#: Method -> its levels in the trade-off figures.
TRADE_OFFS = {
    "signal": (1, 2, 3, 4, 8, 16, 32, 64, 128),
    "pruning": (1, 4, 16, 64, 128, 256),
    "adversarial": (0.1, 0.25, 0.5, 1.0),
    "bottleneck": (0.01, 0.1, 1.0),
    "shredder": (0.01, 0.1, 1.0),
    "gaussian": (0.02, 0.05, 0.1, 0.2),
}
IN_FIGURE = {4: ("signal",), 5: ("signal", "pruning"), 6: tuple(TRADE_OFFS)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObfuscationOptions(DataOptions, TrainingOptions, AttackOptions, OutputOptions):
    """The options of a run; `python -m pipeline.obfuscation --help` explains each."""

    GROUP = "figures"

    figures: tuple[int, ...] = setting(FIGURES, "which figures, with commas", choices=FIGURES)
    trade_off_layers: tuple[int, ...] = setting(
        (MIDDLE,),
        "split layers of the trade-offs against other methods, 1 to 6; figures 4 to 6 show the first",
        choices=(1, 2, 3, 4, 5, 6),
    )
    trade_offs: tuple[str, ...] = setting(
        tuple(TRADE_OFFS), "methods of figures 4 to 6, with commas", choices=tuple(TRADE_OFFS)
    )
    decov: float = setting(0.01, "weight of the decorrelation penalty; 0 leaves it out", **at_least(0))
    gaussian: float = setting(0.01, "weight of the divergence from N(0, 1); 0 leaves it out", **at_least(0))
    fine_tune_epochs: int = setting(5, "passes after pruning or noise; the paper does not say", **at_least(1))
    max_macs: float = setting(1e12, "most multiply-adds on the edge, for what is exported", **at_least(0))
    max_accuracy_drop: float = setting(MAX_DROP, "accuracy that what is exported may lose", **at_least(0))

    dataset: str = like(
        DataOptions,
        "dataset",
        REQUIRED,
        help="avatars, celeb_a, lfwa, utkface, facescrub, emnist_writers, or folder:PATH",
    )
    target: tuple[str, ...] | None = like(
        DataOptions, "target", help="the label column to learn (default: the data set's own)"
    )
    hidden: tuple[str, ...] | None = like(
        DataOptions, "hidden", help="hidden columns, with commas; methods are trained against the first"
    )
    image_size: tuple[int, int] = like(
        DataOptions, "image_size", (50, 50), help="HEIGHTxWIDTH; the paper: 50x50, CelebA 73x60, MNIST 28x28"
    )
    valid_share: float = like(DataOptions, "valid_share", help="share of validation examples")
    test_share: float = like(DataOptions, "test_share", help="share of test examples")
    seed: int = like(TrainingOptions, "seed", help="first seed")
    repeats: int = like(TrainingOptions, "repeats", 3, help="how many seeds")
    epochs: int = like(TrainingOptions, "epochs", 20, help="passes over the train split; the paper: 50")
    batch_size: int = like(TrainingOptions, "batch_size", 64, help="examples in a batch")
    learning_rate: float = like(
        TrainingOptions, "learning_rate", 1e-3, help="of Adam; falls tenfold after 40 % and 80 % of the epochs"
    )
    attack_epochs: int = like(
        AttackOptions, "attack_epochs", help="most passes of each attack; the paper: 50", **at_least(1)
    )
    attack_patience: int = like(
        AttackOptions, "attack_patience", 4, help="passes without a better score after which an attack ends"
    )
    output: str = like(OutputOptions, "output", "runs/obfuscation", help="folder of the run")
    keep: str | None = like(
        OutputOptions, "keep", help="folder that keeps finished work (default: kept/ in the output folder)"
    )


COMMAND = flags.Command("python -m pipeline.obfuscation", ObfuscationOptions, DESCRIPTION)


def main(argv=None) -> int:
    """Runs the command; returns the exit status, as `pipeline.run.main` does."""
    arguments = sys.argv[1:] if argv is None else argv
    return run_command(lambda: _parse(argv), lambda options, beam: run(options, beam, arguments))


def run(options: ObfuscationOptions, beam_arguments, arguments) -> None:
    """Runs the comparison, writes figures and table, prints the table."""
    from components.example_gen import ExampleGen
    from components.export.obfuscation_package import ObfuscationPackager
    from components.obfuscator import Obfuscator
    from components.report.obfuscation_figures import figures, table
    from components.transform import Transform
    from pipeline.datasets import open_dataset
    from pipeline.orchestration import dag
    from serving.edge.preprocess import ImagePreprocessing

    source = open_dataset(options.dataset, seed=options.seed, examples=options.examples, data_dir=options.data_dir)
    check_columns(options, source)
    target = source.target if options.target is None else options.target
    hidden = source.hidden if options.hidden is None else options.hidden
    _check_labels(source, target, hidden)
    networks, methods = plan(options, hidden)
    keep = options.keep or os.path.join(options.output, "kept")
    nodes = [
        dag.Node(
            "example_gen",
            ExampleGen(
                source=source,
                target=target,
                hidden=hidden,
                valid_share=options.valid_share,
                test_share=options.test_share,
                official_split=False,
                max_bad_share=0.05,
            ),
            {},
        ),
        dag.Node(
            "transform",
            Transform(preprocessing=ImagePreprocessing(*options.image_size), max_bad_share=0.05),
            {"examples": ("example_gen", "examples")},
        ),
        dag.Node(
            "obfuscator",
            Obfuscator(networks=networks, methods=methods, keep=keep),
            {"examples": ("transform", "examples")},
        ),
        dag.Node(
            "packager",
            ObfuscationPackager(
                network=next(network for network in networks if network.objective == "signal"),
                keep=keep,
                max_macs=options.max_macs,
                max_accuracy_drop=options.max_accuracy_drop,
            ),
            {"examples": ("transform", "examples")},
        ),
    ]
    command = shlex.join(["python", "-m", "pipeline.obfuscation", *arguments])
    extent, beam_options = dag.Extent(cache=not options.no_cache), make_beam_options(list(beam_arguments))
    with opened_store(options.lineage, options.output) as store:
        for done in dag.run(nodes, options.output, beam_options, store, command, extent):
            print(f"{done.node.name}: {'unchanged' if done.cached else 'done'}", file=sys.stderr)
            if done.node.name == "transform":
                schema = done.outputs["examples"].read_json("schema.json")
            if done.node.name == "obfuscator":
                scores = done.outputs["scores"].read_json("obfuscation.json")
            if done.node.name == "packager":
                for name in ("profile.json", "choice.json", "edge", "serving"):
                    dag.publish(done.outputs["package"], name, options.output)
    scores |= {"settings": {**dataclasses.asdict(options), "command": command}, "dataset": schema}
    write_json(os.path.join(options.output, "obfuscation.json"), scores)
    for name, content in figures(scores, options.figures, IN_FIGURE, options.trade_off_layers[0], MIDDLE).items():
        with atomic_file(os.path.join(options.output, name)) as temporary, open(temporary, "wb") as file:
            file.write(content)
    text = table(scores, MAX_DROP)
    path = os.path.join(options.output, "obfuscation.md")
    with atomic_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    print(f"{text}\n\n{path}: this table; figures beside it")


def plan(options: ObfuscationOptions, hidden) -> tuple[list[SplitNetConfig], list[ObfuscationConfig]]:
    """The networks and methods that the figures asked for need, each once."""
    from components.obfuscation import ObfuscationConfig, SplitNetConfig
    from datamix_tf.models.splitnet import CONV_FILTERS, DENSE_UNITS, NUM_LAYERS

    # By split layer: what the server's first layer has at least of outputs (two classes), the feature of channels.
    most = {
        "signal": (*CONV_FILTERS, *DENSE_UNITS, 2),
        "pruning": (1, *CONV_FILTERS[:-1], float("inf"), *DENSE_UNITS),
    }
    networks, methods = [], {}
    for seed in range(options.seed, options.seed + options.repeats):
        shared = (options.epochs, options.batch_size, options.learning_rate, options.decov, options.gaussian, seed)
        plain, signal = (SplitNetConfig(objective, *shared) for objective in ("plain", "signal"))
        networks += [plain, signal]

        def add(network, method, split_layer, level=0.0, attacked=hidden[:1]):
            key = (network, method, split_layer, float(level))
            methods[key] = max(methods.get(key, ()), tuple(attacked), key=len)

        if 3 in options.figures:
            for split_layer in range(1, NUM_LAYERS + 1):
                add(plain, "none", split_layer)
                add(signal, "none", split_layer)
                add(signal, "signal", split_layer)
                add(signal, "bounded", split_layer, MAX_DROP)
        for figure in set(options.figures) & set(IN_FIGURE):
            for split_layer in options.trade_off_layers:
                for network in (plain, signal):
                    add(network, "none", split_layer)
                for method in set(IN_FIGURE[figure]) & set(options.trade_offs):
                    for level in TRADE_OFFS[method]:
                        if method not in most or level <= most[method][split_layer - 1]:
                            add(signal if method == "signal" else plain, method, split_layer, level)
        if 7 in options.figures:
            add(plain, "none", MIDDLE, attacked=hidden)
            add(signal, "signal", MIDDLE, 1, attacked=hidden)
            add(plain, "adversarial", MIDDLE, 1.0, attacked=hidden)
    ends = (options.fine_tune_epochs, options.attack_epochs, options.attack_patience)
    return networks, [ObfuscationConfig(*key, attacked, *ends) for key, attacked in methods.items()]


def _check_labels(source, target, hidden):
    if source.kind != "image":
        raise InputError(f"the six-layer network takes pictures, but data set {source.name!r} is {source.kind}")
    if len(target) != 1:
        raise InputError(f"expected one target column, name it with --target; {source.name!r} has {len(target)}")
    if not hidden:
        raise InputError(f"data set {source.name!r} has no hidden column; name one with --hidden")


def _parse(argv):
    options, beam_arguments = flags.parse(COMMAND, argv)
    check_shares(options)
    return options, beam_arguments


if __name__ == "__main__":
    sys.exit(main())
