"""Figures as tables of the results write them: `88.2 ± 0.9`, `4.96M (0.09G)`, `0.562 (0.013; 8 pools)`, `788 MB`."""

from __future__ import annotations

import dataclasses
import re

SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
FIGURE = re.compile(
    r"(?P<value>-?\d[\d,]*(?:\.\d+)?)(?: ± (?P<spread>\d+(?:\.\d+)?))?(?: ?(?P<scale>[kMG]))?(?: (?P<unit>[A-Z]{2}))?"
    r"(?: \((?P<beside>.*)\))?"
)


@dataclasses.dataclass(frozen=True)
class Measured:
    """A figure.

    Attributes:
        value: The number, times 1e3, 1e6, 1e9 for k, M, G.
        spread: What stands behind ±, likewise; None if nothing does.
        beside: What stands in brackets behind it, or nothing.
    """

    value: float
    spread: float | None = None
    beside: str = ""

    def bracket(self) -> float:
        """The first number in the brackets.

        Raises:
            ValueError: If there is none.
        """
        return measured(self.beside.partition(";")[0].partition(" in ")[0]).value


def measured(cell: str) -> Measured:
    """Reads a cell.

    Raises:
        ValueError: If it is anything else than one figure.
    """
    matched = FIGURE.fullmatch(cell.replace("**", "").strip())
    if not matched:
        raise ValueError(f"Expected a figure such as '88.2 ± 0.9' or '4.96M (0.09G)'. Received: {cell!r}")
    scale = SCALES[matched["scale"] or ""]
    value, spread = (None if text is None else scale * float(text.replace(",", "")) for text in matched.group(1, 2))
    return Measured(value, spread, matched["beside"] or "")


def spreads(figures: list[Measured]) -> list[float] | None:
    """The spreads of figures, 0 where one has none; None where none has."""
    known = [figure.spread for figure in figures]
    return [spread or 0.0 for spread in known] if any(spread is not None for spread in known) else None
