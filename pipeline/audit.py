"""`python -m pipeline.audit RUN_DIR`: what the cloud really learns of the mixing models of a finished run."""

from __future__ import annotations

import dataclasses
import os
import sys

from components.errors import InputError
from components.storage import files
from components.storage.artifacts import Examples, Models
from datamix_tf.attacks.catalogue import all_attacks
from datamix_tf.attacks.threat_models import THREATS
from datamix_tf.settings import REQUIRED, at_least, like, registered, setting
from pipeline.options import flags
from pipeline.options.attack_options import AttackOptions
from pipeline.options.data_options import MemoryOptions
from pipeline.options.output_options import LineageOptions, OutputOptions
from pipeline.options.plugin_options import PluginOptions, load_plugins
from pipeline.options.training_options import TrainingOptions
from pipeline.orchestration.closing import closing
from pipeline.orchestration.command import make_beam_options, opened_store, run_command
from pipeline.orchestration.finished_run import artifact_of
from pipeline.orchestration.recording import command_line
from serving.protocol.command_names import typed
from serving.protocol.quiet import quieten

DESCRIPTION = """\
Attacks the mixing models of a run under every threat model of docs/concepts/threat-model.md and writes, in
RUN_DIR/audit (or --output), audit.json, audit.md with a sentence for each threat model that can be quoted, and
<model>.png with raw pictures above those rebuilt from separated mixtures. Any Beam option may follow."""


#: Options that are folders -> what they are in the run's folder, if they are left out.
FOLDERS = {"output": "audit", "keep": "kept"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AuditOptions(LineageOptions, MemoryOptions, PluginOptions):
    """The options of an audit; `python -m pipeline.audit --help` explains each."""

    GROUP = "audit"

    run: str = setting(REQUIRED, "output folder of a finished run", metavar="RUN_DIR")
    output: str | None = like(OutputOptions, "output", None, help="folder of the report (default: RUN_DIR/audit)")
    keep: str | None = like(OutputOptions, "keep", help="folder that keeps finished work (default: RUN_DIR/kept)")
    models: tuple[str, ...] | None = setting(
        None, "which models, with commas (default: all that mix)", metavar="MODEL,..."
    )
    threats: tuple[str, ...] | None = setting(
        None,
        "which threat models of docs/concepts/threat-model.md, with commas (default: all)",
        metavar="THREAT,...",
        **registered(lambda: THREATS),
    )
    attacks: tuple[str, ...] | None = setting(
        None,
        "which attacks, by id or by parts of their names, with commas (default: all but those of the papers' tables)",
        metavar="ATTACK,...",
        listed=all_attacks,
    )
    attack_epochs: int = like(
        AttackOptions,
        "attack_epochs",
        help="passes of attacks that read labels or rebuild pictures",
        **at_least(1),
    )
    identity_split: str = like(AttackOptions, "identity_split")
    batch_size: int = like(TrainingOptions, "batch_size", help="examples in a batch of those")
    steps: int = setting(800, "batches that critics, unmixing networks and linkers are trained on", **at_least(1))
    training_groups: int = setting(12, "groups in a batch of those", **at_least(1))
    restarts: int = setting(12, "random rotations from which a critic's ascent starts", **at_least(0))
    groups: int = setting(32, "most test groups of an attack", **at_least(1))
    seed: int = like(TrainingOptions, "seed", help="seed of the attacks")


COMMAND = flags.Command("python -m pipeline.audit", AuditOptions, DESCRIPTION, positional="run")


def make_parser():
    """The command's parser."""
    return flags.parser(COMMAND)


def main(argv=None) -> int:
    """Runs the command; returns the exit status, as `pipeline.run.main` does."""
    quieten(argv)
    command = command_line("pipeline.audit", argv)
    return run_command(lambda: _parse(argv), lambda options, beam: run(options, beam, command))


def run(options: AuditOptions, beam_arguments, command: str) -> None:
    """Runs the audit; prints its report."""
    from components.auditor import Auditor
    from components.records.page import PAGE_FILE
    from components.reporter import REPORT
    from pipeline.orchestration import dag
    from pipeline.orchestration.publishing import publish_report, report_of, run_page

    examples = artifact_of(options.run, Examples, "transform", "examples", "schema.json")
    models = artifact_of(options.run, Models, "trainer", "models", "models.json")
    reported = files.exists(report_of(options.run).path(PAGE_FILE))
    if reported:
        run_page(options.run)  # what cannot be told is an error now, not behind all attacks
    auditor = Auditor(
        attacks=plan(options, examples, models),
        keep=options.keep,
        command=command,
    )
    node = dag.Node("auditor", auditor, {"examples": ("transform", "examples"), "models": ("trainer", "models")})
    folder = os.path.join(options.run, "artifacts", node.name)
    with opened_store(options.lineage, options.run) as store:
        known = {name: store.live(producer).get(key) for name, (producer, key) in node.inputs.items()}
        ids = {name: artifact for name, artifact in known.items() if artifact}
        inputs, beam_options = {"examples": examples, "models": models}, make_beam_options(list(beam_arguments))
        skipped = ids == known and dag.is_unchanged(node, ids, folder, store)
        with _bar(options, node, examples, models, skipped) as bar:
            dag.execute(node, inputs, ids, folder, beam_options, store, auditor.parameters["command"], ids == known)
            bar.node_done(node.name)
        if reported:
            publish_report(store, options.run)
    audit = auditor.outputs(folder)["audit"]
    for name in files.names(audit.uri):
        dag.publish(audit, name, options.output)
    print(files.read_bytes(os.path.join(options.output, "audit.md")).decode())
    made = [
        (options.output, "this report, audit.json, and pictures if there are any"),
        *([(os.path.join(options.run, REPORT), "tells of it, too; look at it in a browser")] if reported else []),
    ]
    print(closing(made, [(typed("pipeline.demo", options.run), "see what the cloud sees")]))


def _bar(options, node, examples, models, skipped):
    """Says how long the audit takes; returns what shows how far it is."""
    from pipeline.orchestration.announcing import announced_audit

    def attacks(**changes):
        return plan(dataclasses.replace(options, **changes), examples, models)

    shorter = [
        (f"--{name} {value}", attacks(**{name: value}))
        for name, value in (("steps", options.steps // 4), ("attack_epochs", options.attack_epochs // 2))
        if value
    ]
    return announced_audit(node, examples, models, options.verbose, skipped, shorter)


def plan(options: AuditOptions, examples: Examples, models: Models) -> list:
    """The attacks to run on each model.

    Raises:
        InputError: If a model is unknown or does not mix groups of at least 2.
    """
    from components.attacker import TARGET, AttackConfig
    from components.training import models as trained
    from components.training.networks import ModelConfig

    hidden = examples.schema().hidden
    names = trained.names(models)
    kinds = {name: ModelConfig.from_dict(trained.training(models, name).config).defence for name in names}
    mixing = [name for name in names if kinds[name].mixes and kinds[name].group_size > 1]
    for name in options.models or ():
        if name not in mixing:
            raise InputError(f"the run has no mixing model {name!r}; it has {', '.join(mixing) or 'none'}")
    if not mixing:
        raise InputError(f"the run has no model that mixes groups of at least 2; it has {', '.join(names) or 'none'}")
    same = ("batch_size", "identity_split", "steps", "training_groups", "restarts", "groups", "seed")
    settings = {"epochs": options.attack_epochs, **{name: getattr(options, name) for name in same}}
    return [
        AttackConfig(name, label, spec.id, **settings)
        for name in options.models or mixing
        for spec in _chosen(options)
        for label in ((TARGET, *hidden) if spec.labels else (TARGET,))
    ]


def _chosen(options):
    """The attacks that the options ask for."""
    return [
        spec
        for spec in all_attacks().values()
        if options.threats is None or spec.threat in options.threats
        if (spec.audited if options.attacks is None else any(_names(part, spec) for part in options.attacks))
    ]


def _parse(argv):
    load_plugins(argv)
    options, beam_arguments = flags.parse(COMMAND, argv)
    with files.explained(options.run):
        found = files.is_folder(options.run)
    if not found:
        raise InputError(f"expected the output folder of a finished `python -m pipeline.run`; {options.run!r} is none")
    _check_names(options)
    folders = {name: getattr(options, name) or os.path.join(options.run, own) for name, own in FOLDERS.items()}
    return dataclasses.replace(options, **folders), beam_arguments


def _check_names(options):
    for part in options.attacks or ():
        if not any(_names(part, spec) for spec in all_attacks().values()):
            names = ", ".join(f"{spec.id} ({spec.name})" for spec in all_attacks().values() if spec.audited)
            raise InputError(f"--attacks must be ids, or parts of names, of {names}; received {part!r}")


def _names(part, spec):
    return part == spec.id or (spec.audited and part in spec.name)


if __name__ == "__main__":
    sys.exit(main())
