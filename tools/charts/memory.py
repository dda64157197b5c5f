"""The largest process of ingest and transform against the number of examples."""

from __future__ import annotations

import pathlib

from tools.charts.kept_lines import lines
from tools.charts.markdown_tables import read_table
from tools.charts.measured import measured
from tools.charts.theme import MARKERS

SIZE = (7.2, 3.4)
BENCHMARK = "ingest and transform, throughput / that of tf.data"


def draw(figure, theme, results: pathlib.Path) -> None:
    """Draws the table of `growth.md`, and the kept figures of a tf.data script that does the same."""
    axes = figure.subplots()
    table = read_table(results / "growth.md", "Ingest", "examples", "largest process")
    by_way = {}
    for examples, way, memory in zip(*map(table.column, ("examples", "", "largest process")), strict=True):
        by_way.setdefault(way, []).append((measured(examples).value, measured(memory).value))
    by_way["a plain tf.data script"] = [
        (line["examples"], line["peak_megabytes"]) for line in lines(results, BENCHMARK) if line["way"] == "tf.data"
    ]
    for number, (way, points) in enumerate(by_way.items()):
        axes.plot(*zip(*sorted(points), strict=True), marker=MARKERS[number], color=theme.series[number], label=way)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylim(0, 1.15 * max(memory for points in by_way.values() for _, memory in points))
    axes.set_xlabel("examples")
    axes.set_ylabel("largest process, MB")
    axes.set_title("Ingest and transform: memory does not grow with the data")
    theme.legend(axes, loc="lower right")
