"""Accuracy against the multiply-adds of the edge: every way of tables 2 and 4 to hide what is sent."""

from __future__ import annotations

import pathlib
import re

from tools.charts.markdown_tables import read_table
from tools.charts.measured import measured, spreads
from tools.charts.theme import MARKERS

SIZE = (9.6, 4.4)
#: Title, start of the heading in `results.md`, the column that is drawn.
TABLES = (
    ("Faces: balanced accuracy", "Table 2", "balanced"),
    ("Spoken words: accuracy", "Table 4", "test"),
)
#: What rows are: name in the legend, what their label is, whether a line joins them.
WAYS = (
    ("DataMix, N_pre rising to the right", re.compile(r"DataMix, N_pre ?= ?\d, S_G ?= ?8"), True),
    ("noise or blurring", re.compile(r"adding noise .*|blurring to .*"), False),
    ("all in the cloud", re.compile(r"all in the cloud"), False),
    ("all on the edge", re.compile(r"all on the edge"), False),
    ("face anonymizer", re.compile(r"face anonymizer.*"), False),
    ("DataMix with a linear path", re.compile(r"DataMix with a linear path, N_pre ?= ?\d, S_G ?= ?8"), True),
    ("linear cloud", re.compile(r"mixed, linear cloud.*"), True),
    ("edge alone", re.compile(r"edge alone.*"), False),
)


def draw(figure, theme, results: pathlib.Path) -> None:
    """Draws both tables side by side."""
    for axes, (title, heading, column) in zip(figure.subplots(1, 2), TABLES, strict=True):
        table = read_table(results / "results.md", heading, "method", "MACs", column)
        work, accuracy = table.pairs("method", "MACs"), table.pairs("method", column)
        for number, (name, pattern, joined) in enumerate(WAYS):
            points = [
                (measured(work[row]).value / 1e6, measured(accuracy[row])) for row in work if pattern.fullmatch(row)
            ]
            if points:
                _points(axes, theme, number, sorted(points, key=lambda point: point[0]), joined, name)
        axes.set_xscale("symlog", linthresh=0.1)
        axes.set_xlim(left=-0.02)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_title(title)
        axes.set_xlabel("multiply-adds on the edge, millions")
        axes.set_ylabel("%")
    theme.legend_below(figure, 3)


def _points(axes, theme, number, points, joined, name):
    axes.errorbar(
        [work for work, _ in points],
        [accuracy.value for _, accuracy in points],
        spreads([accuracy for _, accuracy in points]),
        marker=MARKERS[number % len(MARKERS)],
        fillstyle="full" if number < len(MARKERS) else "none",
        color=theme.series[number % len(theme.series)],
        linestyle="-" if joined else "none",
        markersize=7,
        capsize=3,
        label=name,
    )
