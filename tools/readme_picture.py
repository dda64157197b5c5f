"""README's picture, of a finished run: what the cloud sees of two inputs, and every method's accuracy against leakage.

`python -m tools.readme_picture runs/avatars docs/images` writes `overview-light.png` and `overview-dark.png`.
"""

from __future__ import annotations

import argparse
import base64
import io
import os

import numpy as np

from components.report.page import RunPage
from components.report.tradeoff import trade_off
from pipeline.orchestration.publishing import run_page
from tools.charts.theme import THEMES, Theme

INPUTS = 2
#: Leakage above which a point is drawn as a warning.
MUCH = 0.5
#: What a visitor reads above the columns of the strip.
TITLES = {
    "raw": "your input",
    "cloud": "what the cloud\nreceives",
    "wrong": "undone with\na wrong key",
    "attack": "undone by\nthe attack",
    "right": "undone with\nyour key",
}


def picture(run: RunPage, theme: Theme) -> bytes:
    """The picture as PNG, 1,600 pixels wide.

    Raises:
        ValueError: If the run has no strip: its packaged model mixes no groups that can be separated, or hears.
    """
    from matplotlib.figure import Figure

    strip = run.page.strip
    if strip is None or strip.kind != "image":
        raise ValueError("Expected a run on pictures whose packaged model mixes groups. Received: one without a strip")
    figure = Figure(figsize=(16, 4.7), dpi=100, layout="constrained", facecolor=theme.back)
    left, right = figure.subfigures(1, 2, width_ratios=(8.4, 7.6))
    for part in (left, right):
        part.set_facecolor(theme.back)
    _draw_strip(left, strip, theme)
    _draw_points(right.subplots(), run, theme)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor=theme.back)
    return buffer.getvalue()


def _draw_strip(figure, strip, theme):
    rows = strip.rows[:INPUTS]
    axes = np.atleast_2d(figure.subplots(len(rows), len(strip.columns)))
    for line, row in zip(axes, rows, strict=True):
        for place, cell in zip(line, row, strict=True):
            place.imshow(_decoded(cell.pictures[-1]), interpolation="nearest")
            place.set_axis_off()
    for place, column in zip(axes[0], strip.columns, strict=True):
        place.set_title(TITLES[column.key], color=theme.text, fontsize=15)
    figure.suptitle("What others can rebuild of a face", color=theme.text, fontsize=18)


def _draw_points(axes, run, theme):
    shown = [point["values"] | {"label": point["label"]} for point in trade_off([run])["points"]]
    shown = [point for point in shown if point["leakage"] is not None]
    accuracies = [100 * point["test_accuracy"] for point in shown]
    room = max(max(accuracies) - min(accuracies), 1.0)
    axes.set_facecolor(theme.back)
    axes.set_ylim(min(accuracies) - 0.15 * room, max(accuracies) + 0.15 * room)
    for leaky in (False, True):
        side = sorted(
            (point for point in shown if (point["leakage"] > MUCH) == leaky), key=lambda point: point["test_accuracy"]
        )
        heights = _apart([100 * point["test_accuracy"] for point in side], 0.1 * room)
        colour = theme.series[1 if leaky else 0]
        for point, height in zip(side, heights, strict=True):
            leakage = 100 * point["leakage"]
            axes.plot(leakage, 100 * point["test_accuracy"], "s" if leaky else "o", color=colour, markersize=11)
            axes.text(
                leakage + (-3 if leaky else 3),
                height,
                point["label"],
                ha="right" if leaky else "left",
                va="center",
                color=theme.text,
                fontsize=13,
            )
    axes.set_xlim(-5, 105)
    axes.set_xlabel("what the worst attack gains over guessing, %", color=theme.text, fontsize=14)
    axes.set_ylabel("test accuracy, %", color=theme.text, fontsize=14)
    axes.set_title("Accuracy against leakage", color=theme.text, fontsize=18)
    axes.tick_params(colors=theme.text, labelsize=12)
    axes.grid(alpha=0.25)
    for side in axes.spines.values():
        side.set_color(theme.text)


def _apart(heights, least):
    """Rising heights, moved up where they are less apart than `least`, so that texts do not cover each other."""
    moved = []
    for height in heights:
        moved.append(max(height, moved[-1] + least) if moved else height)
    return moved


def _decoded(uri):
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")


def main(argv=None) -> None:
    """Draws both pictures."""
    parser = argparse.ArgumentParser(prog="python -m tools.readme_picture", description=__doc__)
    parser.add_argument("run", help="folder of a finished run on pictures")
    parser.add_argument("output", help="folder for the two pictures")
    args = parser.parse_args(argv)
    run = run_page(args.run)
    os.makedirs(args.output, exist_ok=True)
    for name, theme in THEMES.items():
        with open(os.path.join(args.output, f"overview-{name}.png"), "wb") as file:
            file.write(picture(run, theme))


if __name__ == "__main__":
    main()
