"""Kills runs at random moments, resumes them, and compares the end with a run that was left alone.

    python -m tools.kill_test --kills 20 --output /tmp/kills -- --dataset folder:faces.zip --epochs 4 ...

What stands behind `--` are flags of `python -m pipeline.run`. The run that is left alone and the killed one have an
output folder each. SIGKILL comes after a random time, uniform up to the time that the first run took, divided by
`--often`. If a run ends before its kill, the killed folder starts again from nothing until there were enough kills.
Exits with 1 if a figure of `metrics.json` differs or anything half-written is found under a final name.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile

from tools.figures import difference, figures


def main(argv=None) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="how many runs are killed")
    parser.add_argument("--often", type=float, default=4.0, help="the first run's time divided by the longest wait")
    parser.add_argument("--output", default="runs/kills", help="folder of both runs; emptied first")
    parser.add_argument("--tolerance", type=float, default=0.0, help="largest difference of a figure that is accepted")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("flags", nargs="*", help="flags of pipeline.run, behind --")
    options = parser.parse_args(argv)
    shutil.rmtree(options.output, ignore_errors=True)
    alone, killed = (os.path.join(options.output, name) for name in ("alone", "killed"))
    started = time.monotonic()
    if status := _start(alone, options.flags).wait():
        print(f"error: the run that is left alone ended with {status}; see {alone}.log", file=sys.stderr)
        return 1
    whole = time.monotonic() - started
    print(f"left alone: {whole:.0f} s", flush=True)
    wanted = figures(alone)
    moments = random.Random(options.seed)
    done = finished = 0
    worst, whole_again = 0.0, False
    while done < options.kills or not whole_again:
        process = _start(killed, options.flags)
        wait = moments.uniform(0, whole / options.often) if done < options.kills else None
        whole_again = False
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            done += 1
            print(f"kill {done} after {wait:.1f} s: {doing(killed)}", flush=True)
            check_whole(killed)
            continue
        if process.returncode:
            print(f"error: a resumed run ended with {process.returncode}", file=sys.stderr)
            return 1
        finished, whole_again = finished + 1, True
        worst = max(worst, difference(wanted, figures(killed)))
        print(f"finished after {done} kills; largest difference of a figure: {worst:.3g}", flush=True)
        if done < options.kills:
            shutil.rmtree(killed)
    print(json.dumps({"kills": done, "runs_finished": finished, "largest_difference": worst, "seconds_alone": whole}))
    return int(worst > options.tolerance)


def check_whole(folder: str) -> None:
    """Fails if something half-written has a final name: JSON or a model that cannot be read."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".tmp-")]
        for name in names:
            path = os.path.join(parent, name)
            if name.startswith(".tmp-"):
                continue
            if name.endswith(".json"):
                with open(path, encoding="utf-8") as file:
                    json.load(file)
            if name.endswith(".keras") and zipfile.ZipFile(path).testzip():
                raise ValueError(f"{path} is broken")


def doing(folder: str) -> str:
    """What the run was at when it was killed."""
    from pipeline.orchestration.command import LINEAGE_FILE
    from pipeline.orchestration.store import RUNNING, open_store

    path = os.path.abspath(os.path.join(folder, LINEAGE_FILE))
    if not os.path.exists(path):
        return "starting"
    with open_store(f"sqlite:///{path}", os.path.abspath(folder)) as store:
        return next((run["node"] for run in store.executions() if run["state"] == RUNNING), "between components")


def _start(output, flags):
    os.makedirs(os.path.dirname(output), exist_ok=True)
    with open(f"{output}.log", "ab") as log:
        command = [sys.executable, "-m", "pipeline.run", *flags, "--output", output]
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


if __name__ == "__main__":
    sys.exit(main())
