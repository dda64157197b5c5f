"""`python -m pipeline.obfuscation`: the figures of the obfuscation paper, each from one command."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys

from components.errors import InputError
from components.records.metrics import METRICS_FILE, Metrics
from components.storage.artifacts import atomic_file, write_json
from datamix_tf.settings import above, at_least, like, setting
from pipeline.experiments.obfuscation import (
    FIGURES,
    IN_FIGURE,
    LAYERS,
    MAX_DROP,
    MIDDLE,
    TRADE_OFFS,
    networks,
    points,
    rows,
    scores,
)
from pipeline.options import flags
from pipeline.options.attack_options import AttackChoiceOptions, AttackOptions, check_starts
from pipeline.options.data_options import DataOptions, SplitOptions, check_shares
from pipeline.options.output_options import OutputOptions
from pipeline.options.presets import OBFUSCATION_PRESETS, PRESETS
from pipeline.options.run_options import RunOptions
from pipeline.options.training_options import MixingTrainingOptions, TrainingOptions
from pipeline.orchestration import recording
from pipeline.orchestration.closing import closing
from pipeline.orchestration.command import check_columns, make_beam_options, opened_store, run_command
from pipeline.orchestration.recording import command_line
from serving.protocol.quiet import quieten

DESCRIPTION = """\
Trains the six-layer network of the obfuscation paper, obfuscates what its edge half sends, and measures what an
adversary reads of hidden labels: figure 2 (signal content by layer), 3 (attacks by split layer), 4 to 6 (trade-offs
against pruning, adversarial training and others at the input of FC1), 7 (several hidden attributes). Writes
figureN.png, obfuscation.json and obfuscation.md; the profile that the server publishes (profile.json), the client's
choice from it (choice.json), and both halves of that: edge/client.tflite and serving/. Any Beam option may follow."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObfuscationOptions(DataOptions, TrainingOptions, AttackOptions, OutputOptions):
    """The options of a run; `python -m pipeline.obfuscation --help` explains each."""

    GROUP = "figures"

    figures: tuple[int, ...] = setting(FIGURES, "which figures, with commas", choices=FIGURES)
    trade_off_layers: tuple[int, ...] = setting(
        (MIDDLE,),
        "split layers of the trade-offs against other methods, 1 to 6; figures 4 to 6 show the first",
        choices=LAYERS,
    )
    trade_offs: tuple[str, ...] = setting(
        tuple(TRADE_OFFS), "methods of figures 4 to 6, with commas", choices=tuple(TRADE_OFFS)
    )
    decov: float = setting(0.01, "weight of the decorrelation penalty; 0 leaves it out", **at_least(0))
    gaussian: float = setting(0.01, "weight of the divergence from N(0, 1); 0 leaves it out", **at_least(0))
    max_macs: float = setting(1e12, "most multiply-adds on the edge, for what is exported", **at_least(0))
    max_accuracy_drop: float = setting(MAX_DROP, "accuracy that what is exported may lose", **at_least(0))

    preset: str | None = setting(
        None,
        "all settings of the paper for one of its data sets, for what no flag sets",
        choices=tuple(OBFUSCATION_PRESETS),
    )
    distortions: tuple[float, ...] = setting(
        (), "figures 4 to 6 also with such bounds of the distortion (epsilon of Theorem 1), with commas", **above(0)
    )
    exact: bool = setting(
        False,
        "signal content of whole maps instead of receptive fields; maps of at most 5000 numbers",
    )

    dataset: str | None = like(
        DataOptions,
        "dataset",
        None,
        help="avatars, celeb_a, lfwa, utkface, facescrub, emnist_writers, or folder:PATH (default: the preset's)",
    )
    split: str = like(SplitOptions, "split")
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
        AttackOptions, "attack_patience", 4, help="passes without a better score after which an attack ends; 0: never"
    )
    attack_learning_rates: tuple[float, ...] = like(
        AttackChoiceOptions, "attack_learning_rates", (3e-3,), help="each is tried, the best counts; the paper: 1e-3"
    )
    attack_starts: tuple[str, ...] = like(
        AttackChoiceOptions,
        "attack_starts",
        help="trained (from the server's weights) and fresh (the paper); each is tried, the best counts",
    )
    attack_optimizer: str = like(
        AttackChoiceOptions,
        "attack_optimizer",
        help="of attacks; adamw has a weight decay of 0.01; the paper: adam",
    )
    attack_schedule: str = like(
        AttackChoiceOptions,
        "attack_schedule",
        help="of their learning rate; steps (the paper): ten times lower after 40 % and 80 % of the epochs",
    )
    min_examples: int = like(AttackChoiceOptions, "min_examples")
    fine_tune_epochs: int = like(
        MixingTrainingOptions, "fine_tune_epochs", help="passes after pruning or noise; the paper does not say"
    )
    output: str = like(OutputOptions, "output", "runs/obfuscation", help="folder of the run")
    keep: str | None = like(
        OutputOptions, "keep", help="folder that keeps finished work (default: kept/ in the output folder)"
    )


COMMAND = flags.Command("python -m pipeline.obfuscation", ObfuscationOptions, DESCRIPTION)


def make_parser():
    """The command's parser."""
    return flags.parser(COMMAND)


def main(argv=None) -> int:
    """Runs the command; returns the exit status, as `pipeline.run.main` does."""
    quieten(argv)
    command = command_line("pipeline.obfuscation", argv)
    return run_command(lambda: _parse(argv), lambda options, beam: run(options, beam, command))


def run(options: ObfuscationOptions, beam_arguments, command: str) -> None:
    """Runs the comparison, writes figures and table, prints the table."""
    from components.export.obfuscation_package import ObfuscationPackager
    from components.report.obfuscation_figures import figures, table
    from pipeline.datasets import open_dataset
    from pipeline.experiments.plan import plan
    from pipeline.orchestration import dag
    from pipeline.orchestration.announcing import announced

    source = open_dataset(options.dataset, seed=options.seed, examples=options.examples, data_dir=options.data_dir)
    check_columns(options, source)
    settings, hidden = run_options(options), source.hidden if options.hidden is None else options.hidden
    _check_labels(source, source.target if options.target is None else options.target, hidden)
    weights = (options.decov, options.gaussian)
    chosen = points(options.figures, options.trade_off_layers, options.trade_offs, options.distortions, options.exact)
    _check_maps(chosen, options)
    work = plan(rows(chosen, *weights), settings, hidden)
    started = [model for model in work.models if model.defence in networks(*weights).values()]
    packager = ObfuscationPackager(
        networks=[model.name for model in started],
        model=next(model.name for model in started if model.defence == networks(*weights)["signal"]),
        max_macs=options.max_macs,
        max_accuracy_drop=options.max_accuracy_drop,
    )

    def nodes_of(changed, data):
        own = plan(rows(chosen, *weights), changed, hidden)
        delivered = dag.Node("packager", packager, dag.TRAINED)
        return [*dag.prepared(changed, data), *dag.measured(changed, own), delivered]

    nodes = nodes_of(settings, source)
    extent, beam_options = dag.Extent(cache=not options.no_cache), make_beam_options(list(beam_arguments))
    made = {}
    with opened_store(options.lineage, options.output) as store, contextlib.ExitStack() as stack:
        flags_tried = ("repeats", "epochs", "examples")
        bar = stack.enter_context(announced(nodes_of, settings, source, store, extent, flags_tried))
        for done in dag.run(nodes, options.output, beam_options, store, command, extent):
            bar.node_done(done.node.name, f"{done.node.name}: {'unchanged' if done.cached else 'done'}")
            made |= done.outputs
            if done.node.name == "transform":
                for column in hidden:
                    _check_readable(made["examples"], column, settings)
    for name in ("profile.json", "choice.json", "edge", "serving"):
        dag.publish(made["package"], name, options.output)
    content = made["package"].read_json("content.json")
    found = scores(made["evaluation"].read(METRICS_FILE, Metrics), content, chosen, *weights)
    found |= {"settings": {**recording.settings(options), "command": command}}
    found |= {"dataset": made["examples"].read_json("schema.json")}
    write_json(os.path.join(options.output, "obfuscation.json"), found)
    for name, picture in figures(found, options.figures, IN_FIGURE, options.trade_off_layers[0], MIDDLE).items():
        with atomic_file(os.path.join(options.output, name)) as temporary, open(temporary, "wb") as file:
            file.write(picture)
    text = table(found, MAX_DROP)
    path = os.path.join(options.output, "obfuscation.md")
    with atomic_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    made = [
        (path, "this table; figures beside it"),
        (os.path.join(options.output, "edge"), "the client's part, up to where it may stop"),
        (os.path.join(options.output, "serving"), "the server's part"),
    ]
    print(f"{text}\n\n{closing(made)}")


def run_options(options: ObfuscationOptions) -> RunOptions:
    """The options of a run of the main job that trains and attacks the same."""
    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    known = {field.name for field in dataclasses.fields(RunOptions)}
    known -= {"preset"}  # of the main job's
    return RunOptions(**PRESETS["obfuscation"] | {name: value for name, value in given.items() if name in known})


def _check_labels(source, target, hidden):
    if source.kind != "image":
        raise InputError(f"the six-layer network takes pictures, but data set {source.name!r} is {source.kind}")
    if len(target) != 1:
        raise InputError(f"expected one target column, name it with --target; {source.name!r} has {len(target)}")
    if not hidden:
        raise InputError(f"data set {source.name!r} has no hidden column; name one with --hidden")


def _check_maps(chosen, options):
    from datamix_tf.models.splitnet import CONV_FILTERS
    from datamix_tf.obfuscation.signal import MAX_EXACT

    for layer in sorted({point.split_layer for point in chosen if point.exact} & set(range(1, len(CONV_FILTERS) + 1))):
        rows, columns = (side >> (layer - 1) for side in options.image_size)
        numbers = rows * columns * (3, *CONV_FILTERS)[layer - 1]
        if numbers > MAX_EXACT:
            raise InputError(
                f"--exact takes maps of at most {MAX_EXACT} numbers; at split layer {layer} of pictures of "
                f"{options.image_size[0]}x{options.image_size[1]} there are {numbers}; choose a smaller --image_size, "
                "or figures and --trade_off_layers without that layer"
            )


def _check_readable(examples, column, settings):
    """Here, and not in a worker: Beam turns exceptions into its own."""
    from components.training.label_splits import label_splits

    if label_splits(examples, column, settings.min_examples, settings.identity_split).classes < 2:
        raise InputError(
            f"expected two values of the hidden column {column!r} with {settings.min_examples} train examples and a "
            "test example at least; add examples or name another column with --hidden"
        )


def _parse(argv):
    given, beam_arguments = flags.values(COMMAND, argv)
    preset = OBFUSCATION_PRESETS.get(given.get("preset"), {})
    known = {field.name for field in dataclasses.fields(ObfuscationOptions)}
    options = ObfuscationOptions(**{name: value for name, value in preset.items() if name in known} | given)
    if options.dataset is None:
        raise InputError(f"expected --dataset, or a --preset of {', '.join(OBFUSCATION_PRESETS)}")
    check_shares(options)
    check_starts(options)
    return options, beam_arguments


if __name__ == "__main__":
    sys.exit(main())
