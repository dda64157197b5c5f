"""Accuracy with a linear path beside the unmixed network and the edge alone, on three data sets, over seeds."""

from __future__ import annotations

import pathlib

from tools.charts.markdown_tables import read_table
from tools.charts.measured import measured
from tools.charts.theme import MARKERS

SIZE = (9.6, 2.9)


def draw(figure, theme, results: pathlib.Path) -> None:
    """Draws the table of `results.md`, a pair of axes for each data set."""
    table = read_table(results / "results.md", "A linear path", "data", "test accuracy")
    by_data, ways, data = {}, table.column(""), ""
    for name, way, cell in zip(table.column("data"), ways, table.column("test accuracy"), strict=True):
        data = name or data  # an empty cell stands for the one above
        by_data.setdefault(data, {})[way] = measured(cell)
    ways = list(dict.fromkeys(ways))
    several = figure.subplots(1, len(by_data), sharey=True)
    for axes, (data, found) in zip(several, by_data.items(), strict=True):
        for number, way in enumerate(ways):
            axes.errorbar(
                found[way].value,
                way,
                xerr=found[way].spread,
                marker=MARKERS[number],
                color=theme.series[number],
                markersize=7,
                capsize=4,
            )
        axes.set_title(data)
        axes.set_xlabel("test accuracy, %")
    several[0].invert_yaxis()
    several[0].margins(y=0.15)
