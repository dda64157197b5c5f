"""The time of a query beside what cryptography takes, over a 4G link and on loopback."""

from __future__ import annotations

import pathlib

from tools.charts.kept_lines import lines

SIZE = (8.4, 3.2)
BENCHMARK = "a query / a query of the plain cloud, time"


def draw(figure, theme, results: pathlib.Path) -> None:
    """Draws the kept figures of `benchmarks.bench_private_inference`."""
    axes = figure.subplots()
    found = lines(results, BENCHMARK)
    ways = list(dict.fromkeys(line["alternative"] for line in found))
    for number, link in enumerate(dict.fromkeys(line["link"] for line in found)):
        chosen = [line for line in found if line["link"] == link]
        middles = [line["latency_ms"] for line in chosen]
        ends = [
            [line["latency_ms"] - line["quartiles_ms"][0] for line in chosen],
            [line["quartiles_ms"][1] - line["latency_ms"] for line in chosen],
        ]
        heights = [ways.index(line["alternative"]) + 0.2 * number - 0.1 for line in chosen]
        style = {"color": theme.series[number], "marker": "os"[number], "markersize": 6, "linestyle": "none"}
        axes.errorbar(middles, heights, xerr=ends, **style, capsize=3, label=link)
    axes.set_yticks(range(len(ways)), ways)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("milliseconds for one picture (median, quartiles)")
    theme.legend(axes)
