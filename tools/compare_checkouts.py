"""Runs the same toy-size runs in two checkouts of the project and compares every number that they write.

    python -m tools.compare_checkouts BEFORE AFTER --output /tmp/compared [--only table2,audit]

For a change that must not change a result, such as a refactoring: BEFORE and AFTER are two folders with the project's
sources, for example two git worktrees. Each run is a process of this interpreter that starts in the checkout and
imports its sources; the two checkouts run side by side, on one thread each, so that no sum depends on threads. The
files compared are metrics.json, audit.json, the experiments' tables, and what pipeline.obfuscation writes. Numbers
must be equal bit by bit; only times and places may differ. Each difference is printed, and a table at the end. Exits
with 0 if all are equal, 1 if not (or if a run fails), 2 for bad input.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

from components.caching.code_fingerprint import PACKAGES
from components.errors import InputError
from pipeline.orchestration.command import INTERRUPTED
from tools.figures import TIMES, leaves
from tools.toy_runs import RUNS, ToyRun

SIDES = ("before", "after")
SHOWN = 20
NOTHING = "nothing"
#: Keys that two equal runs need not share -> why.
IGNORED = {
    **dict.fromkeys(TIMES, "a time"),
    **dict.fromkeys(("output", "keep", "lineage"), "where a run writes"),
    "command": "names the folders that the run writes to",
}
#: On threads, or on another device, equal programs may sum in another order.
ENVIRONMENT = {
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1"),
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
#: Tells where packages would be imported from, without the seconds that importing them takes.
PROBE = """
import importlib.util, json, sys
specs = {name: importlib.util.find_spec(name) for name in sys.argv[1:]}
print(json.dumps({name: spec and list(spec.submodule_search_locations) for name, spec in specs.items()}))
"""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run showed.

    Attributes:
        name: The run's.
        compared: How many leaves either checkout has.
        differing: Path -> what stands there before and after, of the leaves that differ.
        failed: One line for each checkout in which the run failed; nothing is compared then.
    """

    name: str
    compared: int
    differing: dict[str, tuple[str, str]]
    failed: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both checkouts wrote the same, and something at all."""
        return not self.differing and not self.failed and self.compared > 0


def main(argv=None) -> int:
    """Runs the command; returns the exit status."""
    options = _parser().parse_args(argv)
    try:
        names = chosen(options.only)
        checkouts = dict(zip(SIDES, map(checked, (options.before, options.after)), strict=True))
        folders = emptied(os.path.abspath(options.output), checkouts.values())
        outcomes = [_outcome(name, checkouts, folders, f"[{n}/{len(names)}]") for n, name in enumerate(names, start=1)]
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # the runs got it, too, and stop by themselves
        print("error: interrupted", file=sys.stderr)
        return INTERRUPTED
    print(table(outcomes))
    return int(not all(outcome.equal for outcome in outcomes))


def _parser():
    parser = argparse.ArgumentParser(
        "python -m tools.compare_checkouts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Runs:\n" + "\n".join(f"  {name}: {run.module} {run.flags}" for name, run in RUNS.items()),
    )
    parser.add_argument("before", metavar="BEFORE", help="folder with the project's sources as they were")
    parser.add_argument("after", metavar="AFTER", help="folder with the changed sources")
    parser.add_argument(
        "--output",
        metavar="DIR",
        default="runs/compared",
        help="keeps what the runs write and say, in before/ and after/, which are emptied first; default: %(default)s",
    )
    parser.add_argument(
        "--only", metavar="NAME,...", help=f"which runs, and those that they need; default: all, {', '.join(RUNS)}"
    )
    return parser


def chosen(only: str | None) -> list[str]:
    """The names of the runs asked for and of those that they need, in the order of `RUNS`.

    Raises:
        InputError: If a name is unknown.
    """
    asked = list(RUNS) if only is None else only.split(",")
    for name in asked:
        if name not in RUNS:
            raise InputError(f"--only takes {', '.join(RUNS)}, with commas; received {name!r}")
    needed = {RUNS[name].of for name in asked}
    return [name for name in RUNS if name in asked or name in needed]


def checked(checkout: str) -> str:
    """The real path of a checkout.

    Raises:
        InputError: If it is none, or if a process that starts in it imports another one's sources.
    """
    folder = os.path.realpath(checkout)
    for name in PACKAGES:
        if not os.path.isdir(os.path.join(folder, name)):
            raise InputError(f"expected a folder with the project's sources; {checkout!r} has no {name}/")
    command = [sys.executable, "-c", PROBE, *PACKAGES]
    probe = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
    if probe.returncode:
        raise InputError(f"python cannot be started in {checkout!r}: {_last_line(probe.stderr)}")
    for name, places in json.loads(probe.stdout).items():
        for place in places or ["nowhere"]:
            if os.path.realpath(place) != os.path.join(folder, name):
                raise InputError(
                    f"expected python to import {name} from {checkout!r}, where it starts; it takes {place!r}: is "
                    "PYTHONSAFEPATH set?"
                )
    return folder


def emptied(output: str, checkouts) -> dict[str, str]:
    """Empty folders for both sides in the output folder, by side.

    Raises:
        InputError: If a checkout lies where they are to be, or they cannot be written.
    """
    folders = {side: os.path.join(os.path.realpath(output), side) for side in SIDES}
    for folder in folders.values():
        for checkout in checkouts:
            if os.path.commonpath([folder, checkout]) == folder:
                raise InputError(f"--output would empty {folder!r}, where the checkout {checkout!r} is; name another")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            os.makedirs(folder)
        except OSError as error:
            raise InputError(f"--output must be a folder that can be written; {output!r}: {error}") from None
    return folders


def _outcome(name, checkouts, folders, position):
    """Runs one run in both checkouts, side by side, compares, and says what differs."""
    print(f"{position} {name} ...", file=sys.stderr, flush=True)
    with concurrent.futures.ThreadPoolExecutor(len(SIDES)) as sides:
        failed = list(sides.map(lambda side: _ran(name, side, checkouts[side], folders[side]), SIDES))
    if any(failed):
        outcome = Outcome(name, 0, {}, tuple(filter(None, failed)))
    else:
        before, after = (written(RUNS[name], folders[side], name) for side in SIDES)
        outcome = Outcome(name, len(before.keys() | after.keys()), differences(before, after))
    for line in lines(outcome):
        print(line, flush=True)
    return outcome


def _ran(name, side, checkout, folder):
    """Runs one run in one checkout; returns a line if it fails."""
    log = os.path.join(folder, f"{name}.log")
    started = time.monotonic()
    with open(log, "w", encoding="utf-8") as file:
        command = [sys.executable, *RUNS[name].arguments(folder, name)]
        done = subprocess.run(command, cwd=checkout, env=_environment(), stdout=file, stderr=file, check=False)
    print(f"  {side}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    if done.returncode:
        with open(log, encoding="utf-8") as file:
            return f"the run {side} ended with {done.returncode}: {_last_line(file.read())} ({log})"
    missing = [pattern for pattern in RUNS[name].files if not glob.glob(pattern, root_dir=os.path.join(folder, name))]
    return f"the run {side} wrote no {', '.join(missing)}" if missing else ""


def written(run: ToyRun, folder: str, name: str) -> dict[str, str]:
    """Every leaf of the files that a run wrote, as text that tells any two values apart, by its path.

    Pictures are one leaf each, texts one for each line.
    """
    place = os.path.join(folder, name)
    names = sorted(name for pattern in run.files for name in glob.glob(pattern, root_dir=place))
    contents = {name: _content(os.path.join(place, name), folder) for name in names}
    # `repr` of a float has all its bits, and tells 1 from 1.0 and from True.
    return {path[1:]: repr(value) for path, value in leaves(contents, "", IGNORED)}


def _content(path, folder):
    with open(path, "rb") as file:
        content = file.read()
    if path.endswith(".json"):
        return json.loads(content)
    if path.endswith(".md"):
        return content.decode().replace(folder, "FOLDER").splitlines()
    return hashlib.sha256(content).hexdigest()


def differences(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str, str]]:
    """What stands before and after at the paths where that differs, in their order."""
    paths = list(dict.fromkeys([*before, *after]))
    pairs = {path: (before.get(path, NOTHING), after.get(path, NOTHING)) for path in paths}
    return {path: (old, new) for path, (old, new) in pairs.items() if old != new}


def lines(outcome: Outcome) -> list[str]:
    """What is said of a run that is not equal: why it failed, or the first differences."""
    shown = list(outcome.differing.items())[:SHOWN]
    told = [f"{outcome.name}: {path}: {old} -> {new}" for path, (old, new) in shown]
    more = len(outcome.differing) - len(shown)
    return [f"{outcome.name}: {line}" for line in outcome.failed] + told + [f"... and {more} more"] * bool(more)


def table(outcomes: list[Outcome]) -> str:
    """Run -> leaves compared -> differing, in Markdown."""
    rows = [
        f"| {outcome.name} | {outcome.compared:,} | {'failed' if outcome.failed else len(outcome.differing)} |"
        for outcome in outcomes
    ]
    return "\n".join(["| run | leaves compared | differing |", "| --- | --- | --- |", *rows])


def _environment():
    return {**os.environ, **ENVIRONMENT}


def _last_line(text):
    return next(reversed(text.strip().splitlines()), "")


if __name__ == "__main__":
    sys.exit(main())
