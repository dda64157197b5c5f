"""`python -m pipeline.run`: the main job, from files to a served, audited split model."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
import time

import msgspec

from components.errors import InputError, NotBlessedError
from components.records.cuts import CUTS_FILE, CutTable
from components.records.metrics import METRICS_FILE, Metrics
from components.records.serialising import read
from components.storage import files
from components.storage.artifacts import atomic_file, write_json
from pipeline import experiments, own_model
from pipeline.options import flags, run_options
from pipeline.orchestration import recording
from pipeline.orchestration.closing import closing
from pipeline.orchestration.command import check_columns, make_beam_options, opened_store, run_command
from pipeline.orchestration.mlflow_sink import announce, log_run, require_mlflow
from pipeline.orchestration.recording import command_line
from serving.edge.bundle import EDGE_ONLY
from serving.protocol.addresses import masked
from serving.protocol.command_names import called, typed
from serving.protocol.quiet import quieten


def main(argv=None) -> int:
    """Runs the pipeline.

    Args:
        argv: Arguments; default: those of the process.

    Returns:
        The exit status: 0, 1 for a failure, 2 for bad input, 130 after Ctrl-C.
    """

    quieten(argv)

    def job(options, beam_arguments):
        run(options, beam_arguments, command_line("pipeline.run", argv))

    return run_command(lambda: run_options.parse(argv), job, writes=lambda options: not options.costs)


def make_parser():
    """The command's parser."""
    return flags.parser(run_options.command())


def run(options, beam_arguments=(), command="") -> None:
    """Runs the pipeline with parsed options; prints progress to stderr and the summary to stdout."""
    from pipeline.datasets import open_dataset

    if options.experiment and (made := experiments.load(options.experiment).text):
        _print_text(made(), options)
        return
    if options.mlflow:
        require_mlflow()
        announce(options.mlflow)
    source = open_dataset(options.dataset, seed=options.seed, examples=options.examples, data_dir=options.data_dir)
    check_columns(options, source)
    beam_options = make_beam_options(list(beam_arguments))
    if options.costs:
        from pipeline.costs import table

        print(table(options, source))
        return

    from pipeline.orchestration import dag
    from pipeline.orchestration.announcing import announced
    from pipeline.orchestration.publishing import publish_report

    network = None
    if options.model:
        network, options = own_model.brought(options, source.kind, own_model.folder_of(options.output))

    def build(changed, data):
        return dag.build(changed, data, network)

    nodes = build(options, source)
    extent = dag.Extent(options.from_node, options.to_node, not options.no_cache)
    started, evaluated, pushed = time.monotonic(), False, {"pushed": True}
    with opened_store(options.lineage, options.output) as store, contextlib.ExitStack() as stack:
        bar = stack.enter_context(announced(build, options, source, store, extent))
        runs = dag.run(nodes, options.output, beam_options, store, command, extent)
        for index, done in enumerate(runs, start=1):
            how = "unchanged, taken from before" if done.cached else "done"
            seconds = time.monotonic() - started
            bar.node_done(done.node.name, f"[{index}/{len(nodes)}] {done.node.name}: {how} after {seconds:.0f} s")
            evaluated = evaluated or done.node.name == "evaluator"
            if done.node.name == "cutter":
                print(own_model.table(done.outputs["cuts"].read(CUTS_FILE, CutTable)) + "\n")
            if done.node.name == "evaluator":
                _publish_metrics(done.outputs["evaluation"], options, command)
            if done.node.name == "reporter":
                publish_report(store, options.output)
            if done.node.name == "pusher":
                pushed = done.outputs["deployment"].read_json("deployment.json")
    refused = "" if pushed["pushed"] else f"the model was not pushed: {'; '.join(pushed['refusals'])}"
    if evaluated:
        _print_summary(options)
        if options.mlflow:
            _log(options, refused)
    if refused:
        raise NotBlessedError(refused)


def _log(options, refused):
    """Gives the run to MLflow; where that fails, a refusal to push is still told."""
    try:
        print(f"MLflow run {log_run(options.mlflow, options, options.output)} in {masked(options.mlflow)}")
    except InputError as error:
        raise NotBlessedError(f"{refused}; {error}") if refused else error from None


def _publish_metrics(evaluation, options, command):
    settings = {**recording.settings(options), "command": command}
    metrics = msgspec.structs.replace(evaluation.read(METRICS_FILE, Metrics), settings=settings)
    write_json(os.path.join(options.output, METRICS_FILE), metrics)


def _print_text(text, options):
    """Prints the table of an experiment, and writes it unless only costs are asked for."""
    if options.costs:
        print(text)
        return
    path = os.path.join(options.output, f"{options.experiment}.md")
    with atomic_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    print(f"{text}\n\n{path}: this table")


def _print_summary(options):
    from components.reporter import REPORT
    from pipeline.experiments.summary import experiment_table, table

    metrics = read(os.path.join(options.output, METRICS_FILE), Metrics)
    if options.experiment:
        _print_text(experiment_table(metrics, experiments.load(options.experiment)), options)
    else:
        print(table(metrics) + "\n")
    output = options.output
    if metrics.answer:
        print(textwrap.fill(metrics.answer.text, 120) + "\n")
    page, alone, edge = os.path.join(output, REPORT), os.path.join(output, EDGE_ONLY), os.path.join(output, "edge")
    predict, serve = called("serving.edge predict"), called("serving.cloud")
    made = [
        (page, "the page to look at, in a browser"),
        (os.path.join(output, "serving"), f"the cloud's part, for TensorFlow Serving or `{serve}`"),
        (edge, f"the edge's part, for `{predict}`"),
        (alone, f"for `{predict}` without a server"),
    ]
    following = [
        (typed("pipeline.demo", output), "try it on files of your own"),
        (typed("pipeline.audit", output), "measure what the cloud learns, threat by threat"),
    ]
    print(closing(made, following if files.exists(edge) else ()))


if __name__ == "__main__":
    sys.exit(main())
