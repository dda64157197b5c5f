"""`python -m pipeline.lineage RUN_DIR`: which data, settings and code made what a run serves."""

from __future__ import annotations

import dataclasses
import json
import os
import sys

from components.errors import InputError
from components.storage import files
from datamix_tf.settings import REQUIRED, setting
from pipeline.options import flags
from pipeline.options.output_options import LineageOptions
from pipeline.orchestration.command import LINEAGE_FILE, opened_store
from pipeline.orchestration.store import CACHED, COMPLETE
from serving.protocol.quiet import quieten

DESCRIPTION = """\
Draws which execution made which artifact of a run, from the served model back to the data, with settings, fingerprints
of data and code, and versions. --all lists every execution, also skipped and failed ones; --format dot writes a graph
for Graphviz, --format json everything."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExplainOptions(LineageOptions):
    """What is explained; `python -m pipeline.lineage --help` explains each."""

    GROUP = "explanation"

    run: str = setting(REQUIRED, "output folder of a run", metavar="RUN_DIR")
    node: str = setting("pusher", "whose artifact is explained; by default what is served")
    all: bool = setting(False, "list all executions instead")
    format: str = setting("text", "how to write it", choices=("text", "dot", "json"))


COMMAND = flags.Command("python -m pipeline.lineage", ExplainOptions, DESCRIPTION, positional="run")


def make_parser():
    """The command's parser."""
    return flags.parser(COMMAND)


def main(argv=None) -> int:
    """Runs the command; returns the exit status: 0, or 2 for bad input."""
    quieten(argv)
    try:
        options = flags.parse_all(COMMAND, argv)
        print(_answer(options))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _answer(options):
    own = os.path.join(options.run, LINEAGE_FILE)
    if not options.lineage and not files.is_remote(options.run) and not os.path.exists(own):
        raise InputError(f"expected the output folder of a run, but {options.run!r} has no {LINEAGE_FILE}")
    with opened_store(options.lineage, options.run) as store:
        executions = store.executions()
    if options.all:
        chosen = executions
    else:
        chosen = ancestry(executions, options.node)
    if options.format == "json":
        return json.dumps(chosen, indent=1)
    if options.format == "dot":
        return dot(chosen)
    return listing(chosen) if options.all else explanation(chosen)


def ancestry(executions: list[dict], node: str) -> list[dict]:
    """The live execution of a node and all that it was made from, itself first.

    Raises:
        InputError: If the node has no live execution.
    """
    complete = [run for run in executions if run["state"] == COMPLETE]
    maker = {artifact["id"]: run for run in complete for artifact in run["outputs"]}
    live = [run for run in complete if run["node"] == node and any(a["live"] for a in run["outputs"])]
    if not live:
        known = ", ".join(dict.fromkeys(run["node"] for run in complete)) or "none"
        raise InputError(f"no finished execution of {node!r}; finished ones: {known}")
    found, waiting = {}, [live[-1]]
    while waiting:
        run = waiting.pop(0)
        if run["id"] not in found:
            found[run["id"]] = run
            waiting += [maker[artifact] for artifact in run["inputs"].values() if artifact in maker]
    return list(found.values())


def explanation(executions: list[dict]) -> str:
    """Text: each execution with what went in, what came out, its settings, code and versions."""
    names = {artifact["id"]: f"{run['node']}.{artifact['name']}" for run in executions for artifact in run["outputs"]}
    lines = []
    for run in executions:
        taken = ", ".join(names.get(artifact, artifact) for artifact in run["inputs"].values()) or "nothing"
        lines += [f"{run['node']}  {run['started'][:19]}  code {run['code'][:12]}  key {run['cache_key'][:12]}"]
        lines += [f"    from {taken}", *(f"    made {a['type']} {a['uri']}" for a in run["outputs"])]
        lines += [f"    {name}: {_short(value)}" for name, value in run["parameters"].items()]
    if executions:
        lines += ["versions: " + ", ".join(f"{name} {version}" for name, version in executions[0]["versions"].items())]
        lines += [f"command: {executions[0]['command']}"]
    return "\n".join(lines)


def listing(executions: list[dict]) -> str:
    """Text: a line for each execution."""
    lines = []
    for run in executions:
        end = run["error"] or {CACHED: "unchanged, skipped"}.get(run["state"], "")
        lines.append(f"{run['started'][:19]}  {run['state']:8}  {run['node']:12}  key {run['cache_key'][:12]}  {end}")
    return "\n".join(lines)


def dot(executions: list[dict]) -> str:
    """The graph in Graphviz's language."""
    lines = ["digraph lineage {", "  rankdir=LR;"]
    for run in executions:
        label = f"{run['node']}\\n{run['state']} {run['started'][:19]}\\ncode {run['code'][:12]}"
        lines.append(f'  "{run["id"]}" [shape=box, label="{label}"];')
        for artifact in run["outputs"]:
            lines.append(f'  "{artifact["id"]}" [label="{artifact["type"]}"];')
            lines.append(f'  "{run["id"]}" -> "{artifact["id"]}";')
        lines += [f'  "{artifact}" -> "{run["id"]}" [label="{name}"];' for name, artifact in run["inputs"].items()]
    return "\n".join([*lines, "}"])


def _short(value, most=160):
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters; --format json has all)"


if __name__ == "__main__":
    sys.exit(main())
