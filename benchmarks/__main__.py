"""Runs benchmarks and writes their figures into docs/results/benchmarks.md.

    python -m benchmarks                                  # every benchmarks/bench_*.py, with its defaults
    python -m benchmarks mixing "edge --threads 2"        # some, with arguments

Every figure is a JSON line of a benchmark's output. The lines stand in docs/results/benchmarks.jsonl, with the command
and the machine; a benchmark that runs again replaces its own. The tables of docs/results/benchmarks.md are made of
them, behind the mark.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys

from benchmarks.machine import machine

FOLDER = pathlib.Path(__file__).parent
DOCS = FOLDER.parent / "docs" / "results"
MARK = "<!-- Below: written by `python -m benchmarks`. -->\n"
LAST = ("ratio", "quartiles", "rounds", "target", "met")  # columns at the right
HIDDEN = ("benchmark", "command", "machine", "rounds")


def names() -> list[str]:
    """The benchmarks there are."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def run(name: str, arguments: list[str]) -> list[dict]:
    """Runs a benchmark and passes its output on; returns its figures.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    command = ["-m", f"benchmarks.bench_{name}", *arguments]
    figures = []
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("{"):
                figures.append(json.loads(line) | {"command": shlex.join(["python", *command])})
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, shlex.join(["python", *command]))
    return [figure | {"machine": machine()} for figure in figures]


def keep(figures: list[dict], name: str, path: pathlib.Path) -> None:
    """Replaces what a benchmark measured before by its new figures."""
    prefix = ["python", "-m", f"benchmarks.bench_{name}"]
    before = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    kept = [figure for figure in before if figure["command"].split()[:3] != prefix] + figures
    kept.sort(key=lambda figure: figure["command"])
    write(path, "".join(json.dumps(figure) + "\n" for figure in kept))


def publish(lines: pathlib.Path, page: pathlib.Path) -> None:
    """Writes the tables of the kept figures into the page, behind the mark."""
    figures = [json.loads(line) for line in lines.read_text().splitlines()]
    write(page, page.read_text(encoding="utf-8").partition(MARK)[0] + MARK + "\n" + tables(figures))


def tables(figures: list[dict]) -> str:
    """The figures as Markdown: the targets first, then a table for each benchmark."""
    aimed = [figure for figure in figures if "target" in figure]
    parts = ["## Targets\n", table([summary(figure) for figure in aimed])] if aimed else []
    for command in dict.fromkeys(figure["command"] for figure in figures):
        own = [figure for figure in figures if figure["command"] == command]
        parts.append(f"## `{command}`\n")
        parts.append(f"{own[0]['machine']}\n")
        for benchmark in dict.fromkeys(figure["benchmark"] for figure in own):
            rows = [figure for figure in own if figure["benchmark"] == benchmark]
            rounds = " or ".join(str(number) for number in sorted({row["rounds"] for row in rows if "rounds" in row}))
            parts.append(f"**{benchmark}**" + (f" ({rounds} rounds)" if rounds else "") + "\n")
            parts.append(table([columns(figure) for figure in rows]))
    return "\n".join(parts)


def summary(figure: dict) -> dict:
    """A row of the table of targets."""
    left_out = {*HIDDEN, *LAST}
    on = ", ".join(
        f"{key.replace('_', ' ')} {text(value)}"
        for key, value in figure.items()
        if key not in left_out and is_setting(key)
    )
    return {
        "figure": figure["benchmark"],
        "on": on,
        "ratio": f"{text(figure['ratio'])} ({span(figure['quartiles'])})",
        "target": figure["target"],
        "met": text(figure["met"]),
    }


def columns(figure: dict) -> dict:
    """A row of a benchmark's own table."""
    cells = {key: span(value) if key.startswith("quartiles") else text(value) for key, value in figure.items()}
    first = {key: cell for key, cell in cells.items() if key not in {*HIDDEN, *LAST}}
    return first | {key: cells[key] for key in LAST if key in cells and key not in HIDDEN}


def is_setting(key: str) -> bool:
    """Whether a detail tells what was measured, and not another measurement."""
    return not key.endswith(("_ms", "_seconds", "_per_second", "_per_example", "floor", "megabytes", "bytes"))


def text(value) -> str:
    """A cell."""
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    if isinstance(value, list):
        return ", ".join(map(text, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def span(quartiles) -> str:
    """A cell of two quartiles."""
    return " to ".join(map(text, quartiles))


def table(rows: list[dict]) -> str:
    """A Markdown table of rows that may lack columns."""
    heads = list(dict.fromkeys(key for row in rows for key in row))
    heads.sort(key=lambda key: LAST.index(key) if key in LAST else -1)
    titles = [head.replace("_", " ") for head in heads]
    lines = [titles, ["---"] * len(heads), *([row.get(head, "") for head in heads] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(path: pathlib.Path, content: str) -> None:
    """Writes a file whole or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(content, encoding="utf-8")
    os.replace(temporary, path)


def main() -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help=f"of {', '.join(names())}; default: all")
    chosen = [shlex.split(one) for one in parser.parse_args().benchmarks] or [[name] for name in names()]
    unknown = {name for name, *_ in chosen} - {*names()}
    if unknown:
        parser.error(f"expected benchmarks of {', '.join(names())}, received {', '.join(sorted(unknown))}")
    for name, *arguments in chosen:
        try:
            figures = run(name, arguments)
        except subprocess.CalledProcessError as error:
            print(f"error: {error.cmd} failed with exit status {error.returncode}", file=sys.stderr)
            return 1
        keep(figures, name, DOCS / "benchmarks.jsonl")
        publish(DOCS / "benchmarks.jsonl", DOCS / "benchmarks.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
