"""The command line of `python -m pipeline.run`."""

from __future__ import annotations

import argparse
import dataclasses

from components.errors import InputError
from components.storage.model_folders import check_model_name
from datamix_tf.defences import all_defences
from pipeline import experiments
from pipeline.options.presets import PRESETS

DEFAULT_METHODS = ("edge", "cloud", "datamix")
OPTIMIZERS = ("adamw", "adam", "sgd")
ATTACKS = ("label", "set", "probe", "reconstruction", "separated", "key")
STARTS = ("trained", "fresh")
LINEAGE_HELP = (
    "SQLAlchemy URL of the database that records every execution (default: sqlite, lineage.db in the run's folder; "
    "required if that is a URL)"
)
DESCRIPTION = """\
Trains a split, mixing-aware model, measures what the cloud learns from what it receives, and packages the model for
cloud and edge. Any Beam option may follow (--runner DirectRunner --direct_running_mode multi_processing ...;
Beam's worker processes and threads listen on all interfaces: private network only)."""


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """The options of a run; `python -m pipeline.run --help` explains each."""

    dataset: str
    output: str
    keep: str | None
    lineage: str | None
    mlflow: str | None
    replicas: int
    train_workers: tuple[str, ...]
    from_node: str | None
    to_node: str | None
    no_cache: bool
    experiment: str | None
    preset: str | None
    group_size: int
    num_pre_blocks: tuple[int, ...]
    epochs: int
    seed: int
    repeats: int
    methods: tuple[str, ...]
    noise: tuple[float, ...]
    blur: tuple[int, ...]
    anonymizer: tuple[int, ...]
    signal_rank: tuple[int, ...]
    bottleneck_units: tuple[int, ...]
    bottleneck_bits: tuple[float, ...]
    target: tuple[str, ...] | None
    hidden: tuple[str, ...] | None
    examples: int | None
    data_dir: str | None
    split: str
    valid_share: float
    test_share: float
    max_bad_share: float
    image_size: tuple[int, int]
    spectrogram: str
    hidden_units: int
    width: int
    batch_size: int
    curriculum: float
    standardize: bool
    optimizer: str
    learning_rate: float
    weight_decay: float
    distill: float
    augment: tuple[str, ...]
    attacks: tuple[str, ...]
    attack_epochs: int
    attack_patience: int
    attack_learning_rates: tuple[float, ...]
    attack_starts: tuple[str, ...]
    reconstruction_epochs: int
    reconstruction_width: int
    min_examples: int
    min_balanced_accuracy: float
    max_leakage: float
    model_name: str


def parse(argv=None) -> tuple[RunOptions, list[str]]:
    """Parses the command line.

    Returns:
        The options, and the arguments that are left for Beam.

    Raises:
        InputError: If a value cannot be used.
        SystemExit: After `--help`, or if argparse cannot read a value.
    """
    parser = _parser()
    known, _ = parser.parse_known_args(argv)
    preset = known.preset or (experiments.load(known.experiment).preset if known.experiment else None)
    parser.set_defaults(**PRESETS.get(preset, {}))
    known, beam_arguments = parser.parse_known_args(argv)
    options = RunOptions(**{**vars(known), "preset": preset})
    _check(options)
    return options, beam_arguments


def _check(options):
    kinds = all_defences()
    mixing = [name for name, kind in kinds.items() if kind.mixes]
    checks = (
        (options.group_size >= 1, "--group_size must be at least 1", options.group_size),
        (
            set(options.num_pre_blocks) <= {0, 1, 2, 3},
            "--num_pre_blocks takes 0, 1, 2 and 3",
            options.num_pre_blocks,
        ),
        (set(options.methods) <= set(kinds), f"--methods takes {', '.join(kinds)}", ",".join(options.methods)),
        (
            set(mixing) & set(options.methods),
            f"--methods must include one that mixes and is packaged ({', '.join(mixing)})",
            ",".join(options.methods),
        ),
        (min(options.noise) >= 0, "--noise takes variances of at least 0", options.noise),
        (min(options.blur) >= 1, "--blur takes sizes of at least 1", options.blur),
        (min(options.signal_rank) >= 1, "--signal_rank must be at least 1", options.signal_rank),
        (min(options.bottleneck_units) >= 1, "--bottleneck_units must be at least 1", options.bottleneck_units),
        (min(options.bottleneck_bits) > 0, "--bottleneck_bits must be above 0", options.bottleneck_bits),
        (min(options.anonymizer) >= 1, "--anonymizer takes widths of at least 1", options.anonymizer),
        (options.epochs >= 1, "--epochs must be at least 1", options.epochs),
        (options.attack_epochs >= 0, "--attack_epochs must be at least 0", options.attack_epochs),
        (options.attack_patience >= 0, "--attack_patience must be at least 0", options.attack_patience),
        (set(options.attacks) <= set(ATTACKS), f"--attacks takes {', '.join(ATTACKS)}", options.attacks),
        (
            set(options.attack_starts) <= set(STARTS),
            f"--attack_starts takes {', '.join(STARTS)}",
            options.attack_starts,
        ),
        (options.reconstruction_epochs >= 1, "--reconstruction_epochs must be at least 1", ""),
        (options.reconstruction_width >= 1, "--reconstruction_width must be at least 1", ""),
        (options.repeats >= 1, "--repeats must be at least 1", options.repeats),
        (0 <= options.distill <= 1, "--distill must be from 0 to 1", options.distill),
        (0 <= options.curriculum < 1, "--curriculum must be at least 0 and below 1", options.curriculum),
        (options.batch_size >= 1, "--batch_size must be at least 1", options.batch_size),
        (options.replicas >= 1, "--replicas must be at least 1", options.replicas),
        (
            options.replicas == 1 or not options.train_workers,
            "--train_workers has one replica on each machine; leave --replicas out",
            options.replicas,
        ),
        (
            all(":" in address for address in options.train_workers) and len(options.train_workers) != 1,
            "--train_workers takes two or more of HOST:PORT, with commas",
            ",".join(options.train_workers),
        ),
        (options.hidden_units >= 0, "--hidden_units must be at least 0", ""),
        (options.width >= 1, "--width must be at least 1", options.width),
        (
            options.valid_share > 0 and options.test_share > 0,
            "split shares must be above 0",
            options.valid_share,
        ),
        (
            0 <= options.min_balanced_accuracy <= 1,
            "--min_balanced_accuracy must be from 0 to 1",
            options.min_balanced_accuracy,
        ),
        (0 <= options.max_leakage <= 1, "--max_leakage must be from 0 to 1", options.max_leakage),
        (options.valid_share + options.test_share < 1, "--valid_share and --test_share must sum below 1", ""),
        (set(options.augment) <= {"flip", "shift", "mask"}, "--augment takes flip, shift and mask", options.augment),
    )
    check_model_name(options.model_name)
    for fine, expected, received in checks:
        if not fine:
            raise InputError(f"{expected}; received {received}")


def texts(text):
    return tuple(part for part in text.split(",") if part)


def integers(text):
    return tuple(int(part) for part in text.split(","))


def numbers(text):
    return tuple(float(part) for part in text.split(","))


def size(text):
    height, _, width = text.partition("x")
    return int(height), int(width or height)


def _parser():
    parser = argparse.ArgumentParser(
        "python -m pipeline.run",
        description=DESCRIPTION,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument_group("what to run").add_argument
    add("--experiment", choices=experiments.EXPERIMENTS, help="a table of the papers; decides on methods and attacks")
    add(
        "--preset",
        choices=PRESETS,
        help="named settings, for all that no flag sets: small ones, or a paper's (default: the experiment's)",
    )
    add = parser.add_argument_group("data").add_argument
    add(
        "--dataset",
        default="avatars",
        help="avatars, tones (built-in), folder:PATH, or celeb_a, lfwa, utkface, facescrub, speech_commands, "
        "emnist_writers",
    )
    add("--target", type=texts, help="label columns to learn, with commas (default: the data set's own)")
    add("--hidden", type=texts, help="label columns that the attacker is after (default: the data set's own)")
    add("--examples", type=int, help="size of a generated data set, or most examples of a folder (default: all)")
    add("--data_dir", help="where tensorflow-datasets keeps data (default: its own)")
    add(
        "--split",
        choices=("hash", "official"),
        default="hash",
        help="split by content hash, or by official lists",
    )
    add("--valid_share", type=float, default=0.15, help="share of validation examples, for --split hash")
    add("--test_share", type=float, default=0.2, help="share of test examples, for --split hash")
    add("--max_bad_share", type=float, default=0.05, help="share of bad records above which the run stops")
    add(
        "--image_size",
        type=size,
        default=(64, 64),
        help="HEIGHTxWIDTH of pictures; the papers' faces: 218x178",
    )
    add(
        "--spectrogram",
        choices=("mel64", "paper"),
        default="mel64",
        help="mel64: 64 mel bands x 64 frames; paper: 165 frequencies x 199 frames, as the papers' costs imply",
    )
    add = parser.add_argument_group("models").add_argument
    add(
        "--methods",
        type=texts,
        default=DEFAULT_METHODS,
        help=f"which of {', '.join(all_defences())} to compare, with commas",
    )
    add(
        "--noise",
        type=numbers,
        default=(4.0, 8.0),
        help="variances of the method noise, on standardised inputs, with commas",
    )
    add("--blur", type=integers, default=(16, 8), help="rows and columns that the method blur leaves, with commas")
    add("--anonymizer", type=integers, default=(64,), help="widths of the method anonymizer's generator, with commas")
    add(
        "--signal_rank",
        type=integers,
        default=(32,),
        help="coefficients for each place that obfuscation and obfuscated_datamix send (N_pre = 3), with commas",
    )
    add("--bottleneck_units", type=integers, default=(64,), help="numbers that bottleneck sends, with commas")
    add(
        "--bottleneck_bits",
        type=numbers,
        default=(90.0,),
        help="upper bounds of the information in what bottleneck sends for an input, with commas",
    )
    add("--group_size", type=int, default=8, help="inputs mixed with each other (S_G), from 1")
    add(
        "--num_pre_blocks",
        type=integers,
        default=(1,),
        help="blocks on the edge (N_pre): 1, 2, 3, 0 to mix raw inputs, or several with commas; the first is packaged",
    )
    add("--hidden_units", type=int, default=256, help="units of a hidden layer in M_post; the papers have none: 0")
    add("--width", type=int, default=64, help="filters of the ResNet stem; 64 is ResNet-18")
    add = parser.add_argument_group("training").add_argument
    add("--epochs", type=int, default=40, help="passes over the train split; the papers: 100, 600")
    # Small steps and the hidden layer in M_post help mixing (docs/results.md).
    add(
        "--batch_size",
        type=int,
        default=32,
        help="examples in a batch, lowered to a multiple of the group size",
    )
    add(
        "--curriculum",
        type=float,
        default=0.6,
        help="share of the epochs in which the mixing rises from no group to all; 0: all from the start (papers)",
    )
    add(
        "--standardize",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="standardise features in front of the mixing; the papers do not",
    )
    add("--optimizer", choices=OPTIMIZERS, default="adamw", help="sgd has a momentum of 0.9")
    add("--learning_rate", type=float, default=3e-3, help="peak learning rate, with cosine decay")
    add("--weight_decay", type=float, default=0.05, help="decoupled weight decay")
    add(
        "--distill",
        type=float,
        default=0.0,
        help="share of the loss with which models that mix follow the answers of the unmixed one",
    )
    add(
        "--augment",
        type=texts,
        default=("shift",),
        help="any of flip (left-right), shift and mask (bands and spans of spectrograms), with commas, or ''",
    )
    add("--seed", type=int, default=0, help="seed of data generation, initialisation, order and training keys")
    add("--repeats", type=int, default=1, help="seeds to train with: seed, seed + 1, ...; gives a spread")
    add(
        "--replicas",
        type=int,
        default=1,
        help="replicas that share each batch, on this machine: its GPUs if it has so many, else logical CPU "
        "devices of one process; whole groups stay together",
    )
    add(
        "--train_workers",
        type=texts,
        default=(),
        metavar="HOST:PORT,...",
        help="machines that share each batch, this one first; on each of the others: python -m pipeline.train_worker."
        " TensorFlow listens there on all interfaces and lets anyone read and write files: private network only",
    )
    add = parser.add_argument_group("attacks").add_argument
    add("--attacks", type=texts, default=("label",), help=f"any of {', '.join(ATTACKS)}, with commas")
    add("--attack_epochs", type=int, default=10, help="most passes of an attack network; 0 runs no attacks")
    add("--attack_patience", type=int, default=0, help="passes without a gain after which it ends; 0: never")
    add("--attack_learning_rates", type=numbers, default=(1e-3,), help="each is tried, the best counts")
    add(
        "--attack_starts",
        type=texts,
        default=("trained",),
        help="trained (from M_main's weights) and fresh; each is tried, the best counts",
    )
    add("--reconstruction_epochs", type=int, default=20, help="passes of Pix2Pix")
    add("--reconstruction_width", type=int, default=64, help="filters of Pix2Pix's first convolutions")
    add("--min_examples", type=int, default=8, help="train examples that an identity needs to be attacked")
    add = parser.add_argument_group("output").add_argument
    add(
        "--output",
        default="runs/latest",
        help="folder for metrics.json, report.html, serving/, edge/, artifacts/; or a URL such as s3://bucket/run "
        "(docs/pipeline.md)",
    )
    add(
        "--keep",
        help="folder or URL of finished trainings and attacks, for runs to share one after the other "
        "(default: OUTPUT/kept)",
    )
    add("--lineage", help=LINEAGE_HELP)
    add(
        "--mlflow",
        metavar="URI",
        help="MLflow tracking URI (server or database) that gets the finished run too",
    )
    add("--from_node", help="first component to run; what is before it is taken as the last run left it")
    add("--to_node", help="last component to run")
    add("--no_cache", action="store_true", help="run components again whose inputs, settings and code are unchanged")
    add("--min_balanced_accuracy", type=float, default=0.0, help="least that a model must reach to be pushed, 0 to 1")
    add(
        "--max_leakage",
        type=float,
        default=1.0,
        help="most that an attack on the model may gain over chance if it is to be pushed, as a share of what there is",
    )
    add("--model_name", default="datamix", help="name under which the cloud serves the model")
    return parser
