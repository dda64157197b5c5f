"""The time of a query over a 4G link, by what is sent and in which format."""

from __future__ import annotations

import pathlib

from tools.charts.kept_lines import lines

SIZE = (9.6, 5.0)
BENCHMARK = "a query / one picture as pixels to the plain cloud, time"
PACKED = ", gzip"


def draw(figure, theme, results: pathlib.Path) -> None:
    """Draws the kept figures of `benchmarks.bench_link`: times, and how many times as long as a plain query."""
    found = lines(results, BENCHMARK)
    rows = list(dict.fromkeys((line["sent"], _format(line)) for line in found))
    times, ratios = figure.subplots(1, 2, sharey=True)
    for packed, marker in ((False, "o"), (True, "s")):
        chosen = [line for line in found if line["format"].endswith(PACKED) == packed]
        heights = [rows.index((line["sent"], _format(line))) + (0.15 if packed else -0.15) for line in chosen]
        style = {"color": theme.series[int(packed)], "linestyle": "none", "marker": marker, "markersize": 5}
        name = "gzip" if packed else "as it is"
        times.plot([line["link_ms"] for line in chosen], heights, **style, label=f"over the link, {name}")
        times.plot(
            [line["loopback_ms"] for line in chosen], heights, **style, fillstyle="none", label=f"on loopback, {name}"
        )
        middles = [line["ratio"] for line in chosen]
        ends = [
            [line["ratio"] - line["quartiles"][0] for line in chosen],
            [line["quartiles"][1] - line["ratio"] for line in chosen],
        ]
        ratios.errorbar(middles, heights, xerr=ends, **style, capsize=2)
    ratios.axvline(1, linestyle=":", color=theme.text)
    times.set_yticks(range(len(rows)), [": ".join(row) for row in rows])
    times.invert_yaxis()
    for axes, label in (
        (times, "milliseconds from asking to the answer"),
        (ratios, "times as long as one picture\nin the clear (median, quartiles)"),
    ):
        axes.set_xscale("log")
        axes.set_xlabel(label)
        axes.xaxis.set_major_formatter("{x:g}")
    theme.legend_below(figure, 4)
    figure.suptitle("A query over 4G", color=theme.text, fontsize=11)


def _format(line):
    return line["format"].removesuffix(PACKED)
