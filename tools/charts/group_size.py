"""Accuracy, and what attacks on one mixture read, against the size of the groups."""

from __future__ import annotations

import pathlib
import re

from tools.charts.markdown_tables import read_table
from tools.charts.measured import measured, spreads
from tools.charts.theme import MARKERS

SIZE = (9.6, 4.4)
COLUMNS = ("test", "balanced", "identity", "identity, set")
MIXED = re.compile(r"DataMix, N_pre ?= ?1, S_G ?= ?(\d+)")


def draw(figure, theme, results: pathlib.Path) -> None:
    """Draws rows of table 2 of `results.md`."""
    table = read_table(results / "results.md", "Table 2", "method", *COLUMNS)
    columns = {name: table.pairs("method", name) for name in COLUMNS}
    left, right = figure.subplots(1, 2)
    for number, name in enumerate(("test", "balanced")):
        _line(left, theme, number, columns[name], _accuracy(name))
        unmixed = measured(columns[name]["all in the cloud"]).value
        left.axhline(unmixed, linestyle="--", color=theme.series[number], label=f"{_accuracy(name)}, unmixed")
    left.set_title("Faces, 40 attributes, N_pre = 1")
    left.set_ylabel("accuracy, %")
    _line(right, theme, 2, columns["identity"], "one person named")
    _line(right, theme, 3, columns["identity, set"], "everybody named")
    sizes = _by_size(columns["identity, set"])
    chances = [cell.bracket() for cell in sizes.values()]
    right.plot(list(sizes), chances, ":", color=theme.series[3], label="everybody named, by chance")
    for row, style, way in (("all in the cloud", "--", "unmixed"), ("all on the edge", ":", "by chance")):
        height = measured(columns["identity"][row]).value
        right.axhline(height, linestyle=style, color=theme.series[2], label=f"one person named, {way}")
    right.set_title("What an attack reads from one mixture")
    right.set_ylabel("people named rightly, %")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_xticks(list(_by_size(columns["test"])), [str(size) for size in _by_size(columns["test"])])
        axes.set_xlabel("group size S_G")
    theme.legend_below(figure, 3)


def _accuracy(name):
    return "balanced accuracy" if name == "balanced" else "mean accuracy"


def _line(axes, theme, number, cells, label):
    sizes = _by_size(cells)
    axes.errorbar(
        list(sizes),
        [cell.value for cell in sizes.values()],
        spreads(list(sizes.values())),
        marker=MARKERS[number],
        color=theme.series[number],
        capsize=3,
        label=label,
    )


def _by_size(cells):
    """Group size -> figure, where there is one, in rising order."""
    found = {int(match[1]): cell for name, cell in cells.items() if (match := MIXED.fullmatch(name)) and cell}
    if len(found) < 2:
        raise ValueError(f"Expected rows such as 'DataMix, N_pre=1, S_G=8' of two sizes. Received: {list(cells)}")
    return {size: measured(found[size]) for size in sorted(found)}
