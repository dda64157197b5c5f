"""The bottleneck's frontier: accuracy against what an attack that compares mixtures finds, for each number of bits."""

from __future__ import annotations

import pathlib
import re

from tools.charts.markdown_tables import read_table
from tools.charts.measured import Measured, measured, spreads

SIZE = (9.6, 3.9)
CRITIC = re.compile(r".*\(random rotation (?P<chance>[\d.]+); standard error (?P<error>[\d.]+)\)")
BITS = re.compile(r"(\d+)(?: \(.*\))?")


def draw(figure, theme, results: pathlib.Path) -> None:
    """Draws the table of faces and the one of longer trainings on speech of `audit.md`."""
    page = results / "audit.md"
    faces = read_table(page, "The frontier", "bits", "`pooled`: linker", "`linked`: critic")
    speech = read_table(page, "Speech (speech_commands10", "bits", "accuracy", "`pooled`: linker", "deeper encoder")
    pooled, linked, words = figure.subplots(1, 3)
    accuracies = {
        row: measured(cell.split(",")[1]).value for row, cell in faces.pairs("bits", "accuracy, balanced").items()
    }
    critic = CRITIC.fullmatch(faces.heading("`linked`: critic"))
    error = float(critic["error"])
    linkers = {row: _leak(cell) for row, cell in faces.pairs("bits", "`pooled`: linker").items()}
    critics = {row: _leak(cell, error) for row, cell in faces.pairs("bits", "`linked`: critic").items()}
    _panel(pooled, theme, 0, linkers, accuracies, "balanced accuracy, %")
    _panel(linked, theme, 0, critics, accuracies, "balanced accuracy, %")
    for axes in (pooled, linked):
        for row, style in (("unmixed", "--"), ("the edge's half alone", "-.")):
            (found,) = [value for name, value in accuracies.items() if name.strip("*").startswith(row)]
            axes.axhline(found, linestyle=style, color=theme.series[4], label=row)
    for number, (linker, accuracy, name) in enumerate(
        [
            ("`pooled`: linker", "accuracy", "mixed, with its bits"),
            ("linker", "deeper encoder: accuracy", "mixed, a deeper encoder"),
        ]
    ):
        leaks = {row: _leak(cell) for row, cell in speech.pairs("bits", linker).items()}
        known = {row: measured(cell).value for row, cell in speech.pairs("bits", accuracy).items() if cell}
        _panel(words, theme, number, leaks, known, "accuracy, %", name)
    for axes, chance in ((pooled, 0.5), (linked, float(critic["chance"])), (words, 0.5)):
        axes.axvline(chance, linestyle=":", color=theme.text, label="chance")
        axes.margins(x=0.2, y=0.12)
        axes.locator_params(axis="x", nbins=5)
    pooled.set_title("Faces: a shuffled pool")
    linked.set_title("Faces: a group, side by side")
    words.set_title("Spoken words: a shuffled pool")
    pooled.set_xlabel("linker, AUC")
    linked.set_xlabel("critic, key agreement")
    words.set_xlabel("linker, AUC")
    theme.legend_below(figure, 5)


def _leak(cell, error=None):
    """What an attack reached; None where there is no figure of this run. An error in brackets is the cell's own."""
    if not cell or cell.startswith("("):
        return None
    found = measured(cell)
    return Measured(found.value, error if error is not None or not found.beside else found.bracket())


def _panel(axes, theme, number, leaks, accuracies, label, name="mixed, with its bits"):
    points = {
        BITS.fullmatch(row)[1]: (leak, accuracies[row]) for row, leak in leaks.items() if leak and row in accuracies
    }
    if len(points) < 2:
        raise ValueError(f"Expected figures for two numbers of bits. Received: {list(leaks)}")
    axes.errorbar(
        [leak.value for leak, _ in points.values()],
        [accuracy for _, accuracy in points.values()],
        xerr=spreads([leak for leak, _ in points.values()]),
        marker="os"[number],
        color=theme.series[number],
        capsize=3,
        label=name,
    )
    for bits, (leak, accuracy) in points.items():
        place = (leak.value, accuracy)
        axes.annotate(bits, place, (4, 5), textcoords="offset points", color=theme.series[number], fontsize=9)
    axes.set_ylabel(label)
