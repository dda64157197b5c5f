"""The command line of `python -m pipeline.run`."""

from __future__ import annotations

import dataclasses

from components.errors import InputError
from datamix_tf.defences import all_defences
from datamix_tf.settings import setting
from pipeline import experiments
from pipeline.options import flags
from pipeline.options.attack_options import AttackChoiceOptions, check_starts
from pipeline.options.data_options import SplitOptions, check_shares
from pipeline.options.defence_options import DefenceOptions, check_methods, with_flags
from pipeline.options.model_options import ModelOptions, check_model
from pipeline.options.output_options import PushOptions, check_name
from pipeline.options.plugin_options import load_plugins
from pipeline.options.presets import PRESETS
from pipeline.options.training_options import (
    DistributionOptions,
    MixingTrainingOptions,
    check_decay,
    check_distribution,
)

DESCRIPTION = """\
Trains a split, mixing-aware model, measures what the cloud learns from what it receives, and packages the model for
cloud and edge. Any Beam option may follow (--runner DirectRunner --direct_running_mode multi_processing ...;
with --environment_type LOOPBACK or EXTERNAL Beam listens on all interfaces: private network only)."""
#: Checks of options that must fit each other.
TOGETHER = (check_name, check_shares, check_starts, check_decay, check_distribution, check_methods, check_model)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions(
    SplitOptions,
    DefenceOptions,
    ModelOptions,
    DistributionOptions,
    MixingTrainingOptions,
    AttackChoiceOptions,
    PushOptions,
):
    """The options of a run; `python -m pipeline.run --help` explains each."""

    GROUP = "what to run"

    experiment: str | None = setting(
        None, "a table of the papers; decides on methods and attacks", choices=experiments.EXPERIMENTS
    )
    costs: bool = setting(
        False,
        "print what each method costs (parameters, multiply-adds, bytes, seconds on the papers' link) and end: no data "
        "but labels are read, nothing is trained or written",
    )
    preset: str | None = setting(
        None,
        "named settings, for all that no flag sets: small ones, or a paper's (default: the experiment's)",
        choices=tuple(PRESETS),
    )


def check_package(options: RunOptions) -> None:
    """Refuses a method to package that the run does not have, or that cannot be packaged. Raises InputError."""
    if options.package is None:
        return
    kinds = all_defences()
    rows = experiments.load(options.experiment).rows if options.experiment else ()
    methods = list(dict.fromkeys(row.defence.id for row in rows)) or options.methods
    known = [name for name in methods if kinds[name].mixes or kinds[name].sends_nothing]
    if options.package not in known:
        where = f"--experiment {options.experiment}" if options.experiment else "--methods"
        raise InputError(
            f"--package must be a method of {where} that mixes or sends nothing ({', '.join(known)}); received "
            f"{options.package}"
        )


def command() -> flags.Command:
    """The command with the flags of all defences that are registered by now."""
    return flags.Command("python -m pipeline.run", with_flags(RunOptions), DESCRIPTION)


def parse(argv: list[str] | None = None) -> tuple[RunOptions, list[str]]:
    """Parses the command line.

    Returns:
        The options, and the arguments that are left for Beam.

    Raises:
        InputError: If a value cannot be used.
        SystemExit: After `--help`.
    """
    load_plugins(argv)
    made = command()
    given, beam_arguments = flags.values(made, argv)
    preset = given.get("preset") or _preset_of(given.get("experiment"))
    values = {**PRESETS.get(preset, {}), **given, "preset": preset}
    if values.get("model"):
        values.setdefault("image_size", None)  # what the model takes
    options = made.options(**values)
    for check in (*TOGETHER, check_package):
        check(options)
    return options, beam_arguments


def _preset_of(experiment):
    return experiments.load(experiment).preset if experiment else None
