"""Training curves as lines of an inline SVG picture."""

from __future__ import annotations

from collections.abc import Sequence

from components.records.training import Training

WIDTH, HEIGHT, MARGIN = 640, 248, 64
#: Measures of a training's history that are drawn, and what they are called.
MEASURES = {"loss": "training loss", "accuracy": "training accuracy"}


def curves(trainings: Sequence[Training]) -> list[dict]:
    """A figure for each measure that a history has: `title`, `lines` (`label`, `points`, `last`), `ticks`, sizes."""
    figures = []
    for key, title in MEASURES.items():
        named = [(training, training.history[key]) for training in trainings if training.history.get(key)]
        if named:
            figures.append(_figure(title, named))
    return figures


def _figure(title, named):
    longest = max(len(values) for _, values in named)
    low, high = (pick(min(values) if pick is min else max(values) for _, values in named) for pick in (min, max))
    high = high if high > low else low + 1

    def place(epoch, value):
        x = MARGIN + (WIDTH - MARGIN - 8) * (epoch / max(longest - 1, 1))
        y = 16 + (HEIGHT - 48) * (1 - (value - low) / (high - low))
        return f"{x:.1f},{y:.1f}"

    return {
        "title": title,
        "width": WIDTH,
        "height": HEIGHT,
        "left": MARGIN,
        "epochs": longest,
        "lines": [
            {
                "label": f"{training.name}: {len(values)} epochs, {training.seconds:.0f} s",
                "first": values[0],
                "last": values[-1],
                "points": " ".join(place(epoch, value) for epoch, value in enumerate(values)),
                "dot": place(len(values) - 1, values[-1]).split(","),
            }
            for training, values in named
        ],
        "ticks": [
            {"y": float(place(0, value).split(",")[1]), "text": f"{value:.2f}"}
            for value in (low, (low + high) / 2, high)
        ],
    }
