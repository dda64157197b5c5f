"""What the commands of the pipeline share: exit statuses, clean stops, Beam's options, checks of their arguments."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import sys
import tempfile
import threading
import uuid

from components.errors import InputError, NotBlessedError
from components.records.metrics import METRICS_FILE
from components.storage import files, memory, temporaries
from components.storage.artifacts import remove_temporaries
from components.storage.temporaries import RUN_VARIABLE
from pipeline.orchestration.beam_ports import PRISM, guard_ports
from pipeline.orchestration.jobs import cancel_jobs, lost_worker, watch_jobs
from pipeline.orchestration.lock import FILE as LOCK_FILE
from pipeline.orchestration.lock import locked
from pipeline.orchestration.prism import find_prism
from serving.edge.bundle import EDGE_ONLY
from serving.protocol.addresses import masked
from serving.protocol.extras import MissingPackageError, needs

INTERRUPTED = 130
UNLOCK_SECONDS = CANCEL_SECONDS = 5
#: What must fit into the temporary folder before a run begins: no run takes less.
TEMPORARY_BYTES = 1 << 20
LINEAGE_FILE = "lineage.db"
#: What runs write into their output folder and replace there; and by what such a folder is known.
WRITTEN = frozenset(
    ("artifacts", "edge", EDGE_ONLY, "figures", "kept", "serving", METRICS_FILE, "report.html", "model_card.md")
)
MARKS = frozenset((LINEAGE_FILE, LOCK_FILE))
DISK_TROUBLE = (*map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EROFS)), "disk is full")


def run_command(parse, job, writes=lambda options: True) -> int:
    """Parses arguments and runs a job; says in one line what went wrong.

    Args:
        parse: Returns options (with `output` and `keep`) and the arguments that are left for Beam.
        job: Called with both.
        writes: Tells of the options whether the job writes anything.

    Returns:
        The exit status: 0, 1 for a failure, 2 for bad input, 130 after Ctrl-C.
    """
    # TensorFlow switches oneDNN on by itself for the newest processors only; training is slow without.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ[RUN_VARIABLE] = uuid.uuid4().hex[:8]
    try:
        with needs("pipeline"):
            options, beam_arguments = parse()
            if (bytes_held := getattr(options, "memory", None)) is not None:
                os.environ[memory.VARIABLE] = str(bytes_held)
            if not writes(options):
                job(options, beam_arguments)
                return 0
            check_output(options.output, getattr(options, "dataset", ""))
            _check_temporary_folder()
            files.require_writable(options.output)
            folders = [options.output, *([options.keep] if options.keep else [])]
            if files.is_remote(folders[-1]):
                files.require_writable(folders[-1])
            with locked(options.output) as unlock, _stops_cleanly(folders, unlock):
                if not files.is_remote(options.output):
                    remove_temporaries(options.output)
                job(options, beam_arguments)
    except InputError as error:
        _say(error)
        return 2
    except NotBlessedError as error:
        _say(error)
        return 1
    except MissingPackageError as error:
        _say(error)
        return 1
    except Exception as error:
        if reason := _disk_trouble(error):
            print(
                f"error: the output folder (or --keep, or the temporary folder, TMPDIR) cannot be written: {reason}. "
                "Nothing half-written is left, what was finished is kept: make room and run again to go on",
                file=sys.stderr,
            )
            return 1
        if lost_worker(error):
            print(
                "error: the engine lost a worker and repeats nothing; what was finished is kept: run again to go on",
                file=sys.stderr,
            )
            return 1
        if not isinstance(error, OSError):
            raise
        _say(error)
        return 1
    return 0


def _say(error):
    print(f"error: {masked(str(error))}", file=sys.stderr)


def check_output(output: str, dataset: str = "") -> None:
    """Refuses a folder in which a run would replace what others put there, or change the data that it reads.

    Args:
        output: The output folder; a URL is not looked at.
        dataset: What stands behind `--dataset`.

    Raises:
        InputError: If it has files or folders of the names that runs write and no run made it, or lies in the data set.
    """
    if files.is_remote(output):
        return
    source = dataset.removeprefix("folder:")
    if source != dataset and os.path.isdir(source):
        root, place = os.path.realpath(source), os.path.realpath(output)
        if os.path.commonpath([root, place]) == root:
            raise InputError(f"--output {output} lies in the data set {source}; choose a folder outside of it")
    names = set(files.names(output)) if os.path.isdir(output) else set()
    theirs = sorted(names & WRITTEN)
    if theirs and not names & MARKS:
        raise InputError(
            f"--output {output} has {', '.join(theirs)}, which no run made and a run would replace: choose "
            "another folder"
        )


def _check_temporary_folder():
    """Refuses to begin where components could not write what they keep for a moment. Raises InputError."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(TEMPORARY_BYTES))
            file.flush()
    except OSError as error:
        where = os.environ.get("TMPDIR", "/tmp")
        raise InputError(
            f"expected a temporary folder with room, but {where} cannot be written ({error.strerror or error}); make "
            "room, or name another in the environment variable TMPDIR"
        ) from None


def _disk_trouble(error) -> str:
    """Why a disk could not be written, or nothing. Workers, HDF5, SQLite and TensorFlow raise errors of their own."""
    while error is not None:
        for reason in DISK_TROUBLE:
            if reason in str(error):
                return reason
        error = error.__cause__ or error.__context__
    return ""


@contextlib.contextmanager
def _stops_cleanly(folders, unlock):
    """Lets Ctrl-C and SIGTERM cancel jobs on engines, remove what is half-written, let go of the lock, and end at once.

    What is half-written in an object store stays, without a marker, until a run replaces it.

    An exception would not do: Beam logs it and turns it into its own, and an ordinary exit waits for the threads of
    TensorFlow and Beam.
    """

    local = [folder for folder in folders if not files.is_remote(folder)]
    left = "nothing half-written is left" if local == folders else "what is half-written has no marker"

    def stop(*_):
        _within(CANCEL_SECONDS, cancel_jobs)  # an engine may be out of reach
        for folder in local:
            remove_temporaries(folder, os.environ[RUN_VARIABLE])
        remove_temporaries(temporaries.folder(temporaries.WORKING), os.environ[RUN_VARIABLE])
        _within(UNLOCK_SECONDS, unlock)  # a store may be out of reach
        print(
            f"\nerror: interrupted; {left}, and what was finished is kept: run again to go on",
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


def _within(seconds, action):
    """Does something, and waits for it so long at most."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(seconds)


def opened_store(lineage: str | None, run: str):
    """The lineage store that `--lineage` names, or the run's own, of one run folder; a context manager.

    Raises:
        InputError: If the run's folder is in an object store, where no database can be, and `--lineage` names none.
    """
    from pipeline.orchestration.store import open_store

    if files.is_remote(run):
        if not lineage:
            raise InputError(
                f"expected --lineage beside {run!r}: a database cannot lie in an object store; name one by its "
                "SQLAlchemy URL, for example --lineage sqlite:///runs.db or postgresql+psycopg://HOST/NAME"
            )
        return open_store(lineage, run.rstrip("/"))
    folder = os.path.abspath(run)
    return open_store(lineage or f"sqlite:///{os.path.join(folder, LINEAGE_FILE)}", folder)


def check_columns(options, source):
    for column in (options.target or ()) + (options.hidden or ()):
        if column not in source.columns:
            raise InputError(
                f"data set {source.name!r} has no label column {column!r}; it has {', '.join(source.columns)}"
            )


def make_beam_options(arguments):
    """Beam's options.

    The direct runner is asked for as FnApiRunner, which it falls back to after trying to fetch a binary of another
    runner from the network.

    Raises:
        InputError: For a runner that does not exist or gives wrong answers, and for options that nobody knows (but a
            remote runner, which may have options of its own).
    """
    from apache_beam.options import pipeline_options
    from apache_beam.runners.runner import create_runner

    # It warns of options that it does not know: those are refused below, or handed to a remote runner.
    logging.getLogger(pipeline_options.__name__).setLevel(logging.ERROR)
    if arguments and not arguments[0].startswith("-"):
        raise InputError(f"expected flags and their values, but {arguments[0]!r} stands alone; see --help")
    options = pipeline_options.PipelineOptions(arguments)
    _refuse_misspelled(arguments, options)
    standard = options.view_as(pipeline_options.StandardOptions)
    if "dask" in (standard.runner or "").lower():
        raise InputError(
            "--runner DaskRunner drops data without a word (Beam 2.77: all but the last branch of a pipeline, tagged "
            "outputs, what finish_bundle returns); use DirectRunner, PrismRunner, FlinkRunner, SparkRunner, "
            "DataflowRunner or PortableRunner"
        )
    try:
        create_runner(standard.runner or "DirectRunner")
    except (ValueError, ImportError, AttributeError) as error:
        raise InputError(f"--runner {standard.runner} cannot be used: {error}") from None
    if standard.runner in (None, "DirectRunner", "FnApiRunner"):
        standard.runner = "apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner"
        unknown = set(options.get_all_options(retain_unknown_options=True)) - set(options.get_all_options())
        if unknown:
            names = ", ".join(f"--{name}" for name in sorted(unknown))
            raise InputError(f"neither this command (see --help) nor Beam's direct runner knows {names}")
    if (standard.runner or "").lower() in ("prism", "prismrunner"):
        prism = options.view_as(pipeline_options.PrismRunnerOptions)
        prism.prism_location = prism.prism_location or find_prism()
        guard_ports(PRISM)
    else:
        guard_ports(options.view_as(pipeline_options.PortableOptions).environment_type)
    watch_jobs()
    return options


def _refuse_misspelled(arguments, options):
    """Beam drops, without a word, what is written with `-` where it has `_`."""
    for flag in (argument.partition("=")[0] for argument in arguments):
        meant = "--" + flag[2:].replace("-", "_")
        if flag.startswith("--") and flag != meant and meant[2:] in options.get_all_options():
            raise InputError(f"expected {meant}, received {flag}")
