"""What charts share: colours by day and by night, and an SVG that is the same whenever it is drawn."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Theme:
    """Colours of a picture: of the ground, of text, and of what is compared.

    The latter are Okabe and Ito's, which the colour-blind tell apart; charts give each a marker of its own besides.
    """

    back: str
    text: str
    series: tuple[str, ...]

    def dress(self, axes) -> None:
        """Gives axes their colours, with a grid behind what is drawn."""
        axes.set_facecolor(self.back)
        axes.tick_params(colors=self.text)
        axes.grid(alpha=0.25, color=self.text)
        axes.set_axisbelow(True)
        for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
            text.set_color(self.text)
        for side in axes.spines.values():
            side.set_color(self.text)

    def legend(self, owner, **where) -> None:
        """A legend of axes, or of a figure, in these colours."""
        owner.legend(facecolor=self.back, edgecolor=self.back, labelcolor=self.text, **where)

    def legend_below(self, figure, columns: int) -> None:
        """One legend of all axes of a figure, below them, where it covers nothing."""
        found = {}
        for axes in figure.axes:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                found.setdefault(label, handle)
        self.legend(figure, handles=list(found.values()), labels=list(found), loc="outside lower center", ncols=columns)


THEMES = {
    "light": Theme(back="#ffffff", text="#1f2328", series=("#0072b2", "#d55e00", "#007a59", "#8f5a94", "#6b6b6b")),
    "dark": Theme(back="#0d1117", text="#e6edf3", series=("#56b4e9", "#e69f00", "#00b98a", "#cc79a7", "#a8a8a8")),
}
MARKERS = ("o", "s", "^", "D", "v")
#: Text stays text: it can be read aloud and searched, and the files are small. Verdana has DejaVu Sans's widths.
SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 10,
    "axes.titlesize": 11,
    "legend.fontsize": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "datamix_tf",
}


def svg(draw: Callable, theme: Theme, size: tuple[float, float]) -> str:
    """A chart as SVG, of the same letters whenever it is drawn.

    Args:
        draw: Called with a figure and the theme.
        theme: Its colours.
        size: Width and height in inches of 72 points.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=size, layout="constrained", facecolor=theme.back)
        draw(figure, theme)
        for axes in figure.axes:
            theme.dress(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", facecolor=theme.back, metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"
