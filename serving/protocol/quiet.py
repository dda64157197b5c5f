"""Keeps the lines of other packages off a user's terminal: TensorFlow's start, Beam's and Keras's warnings.

What a command says itself stays: it is printed, or logged by one of our own loggers. `--verbose` keeps all.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.abc
import importlib.machinery
import logging
import os
import re
import sys
import tempfile
import threading
import types
import warnings
from collections.abc import Iterator, Sequence

FLAG = "--verbose"
#: Environment variable by which processes that a command starts are as quiet as it is.
VARIABLE = "DATAMIX_QUIET"
#: Whose warnings are shown.
OURS = ("datamix_tf", "components", "pipeline", "serving", "__main__")
#: What TensorFlow's libraries write when they are loaded, before anything can tell them to be quiet, and LiteRT when it
#: takes a model.
STARTUP = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog|[IWE]\d{4} .*\.(cc|cu|h):\d+\] "
    rb"|To enable the following instr|INFO: Created TensorFlow Lite"
)
#: The file descriptor is the process's: one thread at a time holds it back.
_ONE = threading.RLock()


def quieten(argv: Sequence[str] | None = None) -> None:
    """Silences other packages in this process, and in those that it starts, unless the command line has `--verbose`.

    Call it before they are imported. Errors are still shown, and so is what `-W` or `PYTHONWARNINGS` asks for.

    Args:
        argv: The command's arguments; default: those of the process.
    """
    if FLAG in (sys.argv[1:] if argv is None else argv):
        os.environ.pop(VARIABLE, None)
        return
    os.environ[VARIABLE] = "1"
    inherited()


def inherited() -> None:
    """Silences other packages in this process if a quiet command started it."""
    if os.environ.get(VARIABLE) != "1":
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in ("tensorflow", "absl", "apache_beam", "h5py"):
        logging.getLogger(name).setLevel(logging.ERROR)
    root = logging.getLogger()
    if not root.handlers:  # without one, the first warning of anybody installs one for all
        root.addHandler(logging.StreamHandler())
    for handler in root.handlers:
        if type(handler) is logging.StreamHandler and _ours not in handler.filters:
            handler.addFilter(_ours)
    if not sys.warnoptions:
        warnings.filterwarnings("ignore", module=rf"(?!({'|'.join(OURS)})(\.|$))")
    if "tensorflow" not in sys.modules and not any(isinstance(finder, _QuietStart) for finder in sys.meta_path):
        sys.meta_path.insert(0, _QuietStart())


def _ours(record: logging.LogRecord) -> bool:
    """Whether a line is shown: ours, or an error."""
    return record.levelno >= logging.ERROR or record.name.partition(".")[0] in OURS


class _QuietStart(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as others would, and drops what its libraries write on standard error while they are loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        others = list(sys.meta_path)
        spec = next((found for finder in others if (found := finder.find_spec(name, path, target))), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: types.ModuleType) -> None:
                with startup_dropped():
                    execute(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


@contextlib.contextmanager
def startup_dropped() -> Iterator[None]:
    """Holds back standard error within the block, and shows it afterwards without what libraries say when they start.

    Nothing happens in a process that was not told to be quiet. Libraries write to the file descriptor, which Python's
    `sys.stderr` knows nothing of. A library that ends the process (a processor lacks instructions that it needs) is
    told by `faulthandler`.
    """
    with _ONE:
        shown = _duplicated(2) if os.environ.get(VARIABLE) == "1" else None
        if shown is None:
            yield
        else:
            with _held_back(shown):
                yield


@contextlib.contextmanager
def _held_back(shown: int) -> Iterator[None]:
    with tempfile.TemporaryFile() as held, open(shown, "wb", buffering=0) as error:
        told = faulthandler.is_enabled()
        if not told:
            faulthandler.enable(error, all_threads=False)
        sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(shown, 2)
            if not told:
                faulthandler.disable()
            held.seek(0)
            error.write(b"".join(line for line in held if not STARTUP.match(line)))


def _duplicated(descriptor: int) -> int | None:
    """Another descriptor of the same file; `None` for a process that has none."""
    try:
        return os.dup(descriptor)
    except OSError:
        return None
