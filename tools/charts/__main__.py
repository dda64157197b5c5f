"""`python -m tools.charts` draws `docs/images/NAME-light.svg` and `NAME-dark.svg` of what is kept in `docs/results`.

The same figures make the same files, letter by letter.
"""

from __future__ import annotations

import argparse
import functools
import pathlib

from tools.charts import edge_alone, edge_work, frontier, group_size, link, memory, private_inference
from tools.charts.theme import THEMES, svg

DOCS = pathlib.Path(__file__).parents[2] / "docs"
CHARTS = {
    "group-size": group_size,
    "edge-work": edge_work,
    "edge-alone": edge_alone,
    "frontier": frontier,
    "memory": memory,
    "link": link,
    "private-inference": private_inference,
}


def charts(results: pathlib.Path) -> dict[str, str]:
    """All of them: file name -> SVG, by day and by night.

    Args:
        results: A folder with the pages on results, and `benchmarks.jsonl`.

    Raises:
        ValueError: If a page has not what a chart reads.
    """
    return {
        f"{name}-{theme}.svg": svg(functools.partial(CHARTS[name].draw, results=results), colours, CHARTS[name].SIZE)
        for name in CHARTS
        for theme, colours in THEMES.items()
    }


def main(argv=None) -> None:
    """Draws them."""
    argparse.ArgumentParser(prog="python -m tools.charts", description=__doc__).parse_args(argv)
    for name, text in charts(DOCS / "results").items():
        (DOCS / "images" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
