"""`python -m pipeline.compare RUN RUN ...`: the page of a run, over several runs."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys

from components.errors import InputError
from components.storage import files
from datamix_tf.settings import REQUIRED, setting
from pipeline.options import flags
from pipeline.options.output_options import LineageOptions
from pipeline.options.plugin_options import PluginOptions, load_plugins
from pipeline.orchestration.command import LINEAGE_FILE, opened_store
from serving.protocol.quiet import quieten

DESCRIPTION = """\
Writes one self-contained page over several finished runs: the headline of each, one figure of accuracy against leakage
against bytes with every method of every run, and tables, attacks, training, data, lineage and model cards of each."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareOptions(LineageOptions, PluginOptions):
    """The options of a comparison; `python -m pipeline.compare --help` explains each."""

    GROUP = "comparison"

    runs: tuple[str, ...] = setting(REQUIRED, "output folder of a finished run", metavar="RUN")
    output: str = setting("comparison.html", "the page to write", metavar="FILE")


COMMAND = flags.Command("python -m pipeline.compare", CompareOptions, DESCRIPTION, positional="runs")


def make_parser():
    """The command's parser."""
    return flags.parser(COMMAND)


def main(argv=None) -> int:
    """Runs the command; returns the exit status: 0, 1 if the page cannot be written, or 2 for bad input."""
    quieten(argv)
    try:
        load_plugins(argv)
        options = flags.parse_all(COMMAND, argv)
        path = write(options.runs, options.output, options.lineage)
        print(f"{path}: {len(options.runs)} runs on one page; look at it in a browser")
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def write(folders: list[str], output: str, lineage: str | None = None) -> str:
    """Writes the page; returns its path.

    Raises:
        InputError: If a folder is none of a finished run, or is named twice.
    """
    paths = [folder.rstrip("/") if files.is_remote(folder) else os.path.realpath(folder) for folder in folders]
    for folder, path in zip(folders, paths, strict=True):
        if paths.count(path) > 1:
            raise InputError(f"expected different runs, but {folder!r} is named more than once")
        if not files.is_folder(path):
            raise InputError(f"expected the output folder of a finished run, but {folder!r} is no folder")

    from components.report.page import render
    from pipeline.orchestration.publishing import run_page, write_text

    short = [os.path.basename(path) for path in paths]
    runs = []
    for folder, path, name in zip(folders, paths, short, strict=True):
        with contextlib.ExitStack() as stack:
            known = lineage or os.path.exists(os.path.join(path, LINEAGE_FILE))
            store = stack.enter_context(opened_store(lineage, path)) if known else None
            runs.append(run_page(path, store, name if short.count(name) == 1 else folder))
    write_text(output, render(runs))
    return output


if __name__ == "__main__":
    sys.exit(main())
