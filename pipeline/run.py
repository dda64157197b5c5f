"""`python -m pipeline.run`: the main job, from files to a served, audited split model."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import threading
import time

from components.artifacts import atomic_file, remove_temporaries
from components.errors import InputError
from pipeline import experiments
from pipeline.options import parse

INTERRUPTED = 130
OUR_PACKAGES = ("components", "datamix_tf", "pipeline", "serving")


def main(argv=None) -> int:
    """Runs the pipeline.

    Args:
        argv: Arguments; default: those of the process.

    Returns:
        The exit status: 0, 1 for a failure, 2 for bad input, 130 after Ctrl-C.
    """
    # TensorFlow switches oneDNN on by itself for the newest processors only; training is slow without.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        options, beam_arguments = parse(argv)
        _require_writable(options.output)
        with _stops_cleanly(options.output, *([options.keep] if options.keep else [])):
            run(options, beam_arguments, _command(argv))
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] in OUR_PACKAGES:
            raise
        print(f"error: {error.name!r} is not installed; pip install 'datamix-tf[pipeline]'", file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def _stops_cleanly(*folders):
    """Lets Ctrl-C and SIGTERM remove what is half-written and end the process at once.

    An exception would not do: Beam logs it and turns it into its own, and an ordinary exit waits for the threads of
    TensorFlow and Beam.
    """

    def stop(*_):
        for folder in folders:
            remove_temporaries(folder)
        print(
            "\nerror: interrupted; nothing half-written is left, and what was finished is kept: run again to go on",
            file=sys.stderr,
            flush=True,
        )
        os._exit(INTERRUPTED)

    if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
        yield
        return
    replaced = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)


def run(options, beam_arguments=(), command="") -> None:
    """Runs the pipeline with parsed options; prints progress to stderr and the summary to stdout."""
    from pipeline.datasets import open_dataset

    source = open_dataset(options.dataset, seed=options.seed, examples=options.examples, data_dir=options.data_dir)
    _check_columns(options, source)
    beam_options = _beam_options(list(beam_arguments))

    from pipeline import dag

    nodes = dag.build(options, source, command)
    started = time.monotonic()
    for index, (node, outputs) in enumerate(_announced(nodes, options.output, beam_options), start=1):
        print(
            f"[{index}/{len(nodes)}] {node.name}: done after {time.monotonic() - started:.0f} s",
            file=sys.stderr,
        )
        if node.name == "evaluator":
            dag.publish(outputs["evaluation"], "metrics.json", options.output)
        if node.name == "reporter":
            dag.publish(outputs["report"], "report.html", options.output)
            dag.publish(outputs["report"], "figures", options.output)
    _print_summary(options)


def _announced(nodes, output, beam_options):
    from pipeline import dag

    print(f"running {', '.join(node.name for node in nodes)}", file=sys.stderr)
    return dag.run(nodes, output, beam_options)


def _check_columns(options, source):
    for column in (options.target or ()) + (options.hidden or ()):
        if column not in source.columns:
            raise InputError(
                f"data set {source.name!r} has no label column {column!r}; it has {', '.join(source.columns)}"
            )


def _beam_options(arguments):
    """Beam's options. The direct runner is asked for as FnApiRunner, which it falls back to after trying to fetch a
    binary of another runner from the network."""
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

    options = PipelineOptions(arguments)
    standard = options.view_as(StandardOptions)
    if standard.runner in (None, "DirectRunner"):
        standard.runner = "apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner"
    return options


def _require_writable(output):
    """Fails now, not after the training, if the output folder cannot be written."""
    try:
        os.makedirs(output, exist_ok=True)
        remove_temporaries(output)
        probe = os.path.join(output, ".tmp-probe")
        with open(probe, "w", encoding="utf-8"):
            pass
        os.remove(probe)
    except OSError as error:
        raise InputError(f"expected an output folder that can be written, but {output!r} cannot: {error}") from None


def _command(argv):
    arguments = sys.argv[1:] if argv is None else argv
    return shlex.join(["python", "-m", "pipeline.run", *arguments])


def _print_summary(options):
    import json

    from pipeline.summary import experiment_table, table

    with open(os.path.join(options.output, "metrics.json"), encoding="utf-8") as file:
        metrics = json.load(file)
    if options.experiment:
        text = experiment_table(metrics, experiments.load(options.experiment))
        path = os.path.join(options.output, f"{options.experiment}.md")
        with atomic_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        print(f"{text}\n\n{path}: this table")
    else:
        print(table(metrics) + "\n")
    output = options.output
    print(
        f"{os.path.join(output, 'report.html')}: the page to look at; {output}/serving: for TF Serving; {output}/edge"
    )


if __name__ == "__main__":
    sys.exit(main())
