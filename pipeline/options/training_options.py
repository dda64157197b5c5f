"""How models are trained, and by whom."""

from __future__ import annotations

import dataclasses

from components.errors import InputError
from datamix_tf.settings import above, at_least, between, setting, share

AUGMENTATIONS = ("flip", "shift", "mask", "randaugment")
DTYPES = ("float32", "mixed_bfloat16", "mixed_float16")
SCHEDULES = ("cosine", "steps", "constant")
OPTIMIZERS = ("adamw", "adam", "sgd")
DECAYS = ("decoupled", "l2")


#: NumPy's generators take 32 bits; some seeds are this one and a few more.
LARGEST_SEED = 2**31 - 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """How long, how fast, how often."""

    GROUP = "training"

    epochs: int = setting(16, "passes over the train split; --preset full: 40; the papers: 100, 600", **at_least(1))
    # Small steps and the hidden layer in M_post help mixing (docs/results/results.md).
    batch_size: int = setting(64, "examples in a batch, lowered to a multiple of the group size", **at_least(1))
    learning_rate: float = setting(3e-3, "peak learning rate", **above(0))
    seed: int = setting(
        0, "seed of data generation, initialisation, order and training keys", **between(0, LARGEST_SEED)
    )
    repeats: int = setting(1, "seeds to train with: seed, seed + 1, ...; gives a spread", **at_least(1))


@dataclasses.dataclass(frozen=True, kw_only=True)
class MixingTrainingOptions(TrainingOptions):
    """What else decides how the models of a run are trained."""

    GROUP = "training"

    curriculum: float = setting(
        0.6,
        "share of the epochs in which the mixing rises from no group to all; 0: all from the start (papers)",
        check=lambda value: 0 <= value < 1,
        expected="at least 0 and below 1",
    )
    standardize: bool = setting(True, "standardise features in front of the mixing; the papers do not")
    schedule: str = setting(
        "cosine", "of the learning rate; steps: ten times lower after 40 % and 80 % of the epochs", choices=SCHEDULES
    )
    warmup_epochs: int = setting(
        2,
        "epochs, at most a quarter of them, in which the rate of cosine rises; the papers: 0",
        **at_least(0),
    )
    fine_tune_epochs: int = setting(
        5, "passes in which a trained network gets used to pruning, noise and the like", **at_least(1)
    )
    optimizer: str = setting("adamw", "sgd has a momentum of 0.9", choices=OPTIMIZERS)
    weight_decay: float = setting(0.05, "weight decay", **at_least(0))
    decay: str = setting(
        "decoupled",
        "whether weight decay is decoupled from the gradient, or l2, a part of it (as in the papers; not for adamw)",
        choices=DECAYS,
    )
    distill: float = setting(
        0.0,
        "share of the loss with which models that mix, and the bottleneck's rivals, follow the unmixed one's answers",
        **share(),
    )
    augment: tuple[str, ...] = setting(
        ("shift",),
        "any of flip (left-right), shift, mask (bands and spans of spectrograms) and randaugment (colour pictures; "
        "Keras's layer), drawn for each example, with commas, or ''",
        choices=AUGMENTATIONS,
    )
    dtype: str = setting(
        "float32",
        "what networks compute in while they are trained from the start, with variables in float32; mixed_float16 "
        "scales the loss; what a training ends with is float32",
        choices=DTYPES,
    )
    jit_compile: bool = setting(False, "whether training steps are compiled by XLA, but for adversaries' and removal's")


def check_decay(options: MixingTrainingOptions) -> None:
    """Refuses AdamW with L2, which is Adam. Raises InputError."""
    if options.optimizer == "adamw" and options.decay == "l2":
        raise InputError("--decay l2 is for --optimizer adam or sgd, as adamw is Adam without it; received adamw")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistributionOptions:
    """Who shares each batch of a training."""

    GROUP = "training"

    replicas: int = setting(
        1,
        "replicas that share each batch, on this machine: its GPUs if it has so many, else logical CPU devices of one "
        "process; whole groups stay together",
        **at_least(1),
    )
    train_workers: tuple[str, ...] = setting(
        (),
        "machines that share each batch, this one first; on each of the others: python -m pipeline.train_worker. "
        "TensorFlow listens there on all interfaces and lets anyone read and write files: private network only",
        check=lambda address: ":" in address,
        expected="two or more of HOST:PORT, with commas",
        metavar="HOST:PORT,...",
    )


def check_distribution(options: DistributionOptions) -> None:
    """Refuses one machine alone, and replicas on several. Raises InputError."""
    if len(options.train_workers) == 1:
        raise InputError(
            f"--train_workers must be two or more of HOST:PORT, with commas; received {options.train_workers[0]}"
        )
    if options.train_workers and options.replicas > 1:
        raise InputError(
            "--train_workers has one replica on each machine; leave --replicas out; received --replicas "
            f"{options.replicas}"
        )
