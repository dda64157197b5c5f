"""Renders the page and the model card from `page.json`s; one page for one run and for several."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from components.records.audit import AuditReport
from components.records.page import Page
from components.report import card
from components.report.curves import curves
from components.report.headline import headline
from components.report.health import health, shortened
from components.report.templates import environment, for_script, percent, source, source_hash
from components.report.tradeoff import trade_off
from components.report.worst_attack import asked_for, attacks_on, worst_attack

#: The templates of the sections, in their order, and their headings.
SECTIONS = {
    "headline.html": "Headline",
    "strip.html": "What the cloud sees",
    "tradeoff.html": "Accuracy, leakage, bytes",
    "tables.html": "Tables",
    "attacks.html": "Attacks",
    "training.html": "Training",
    "data.html": "Data",
    "lineage.html": "Lineage",
    "card.html": "Model card",
    "command.html": "Command",
}
PACKAGE = "components.report"
PAGE, MACROS, CARD, STYLE = "page.html", "macros.html", "model_card.md", "style.css"
SCRIPTS = ("script.js", "tables.js")


@dataclasses.dataclass(frozen=True)
class RunPage:
    """One run, as the page tells it.

    Attributes:
        name: What the page calls it.
        page: What its reporter wrote.
        audit: Of the same models, or `None`.
        lineage: Dictionaries of one execution each (`pipeline.orchestration.publishing`), or nothing if not known.
        command: The command line, or nothing.
    """

    name: str
    page: Page
    audit: AuditReport | None = None
    lineage: Sequence[dict] = ()
    command: str = ""


def render(runs: list[RunPage]) -> str:
    """The page of one run or several, as one HTML text that needs nothing else."""
    style, script = source(PACKAGE, STYLE), "\n".join(source(PACKAGE, name) for name in SCRIPTS)
    names = {name.removesuffix(".html"): heading for name, heading in SECTIONS.items()}
    return (
        _environment(autoescape=True)
        .get_template(PAGE)
        .render(
            runs=[_prepared(run) for run in runs],
            several=len(runs) > 1,
            title=", ".join(dict.fromkeys(run.page.metrics.dataset.name for run in runs)),
            sections=names,
            style=style,
            script=script,
            style_hash=source_hash(style),
            script_hash=source_hash(script),
            points=for_script(trade_off(runs)),
        )
    )


def model_card(run: RunPage) -> str:
    """The model card of a run, as Markdown."""
    template = _environment(autoescape=False).get_template(CARD)
    return template.render(header=card.header(run), sections=card.card(run), model=run.page.model)


def _prepared(run):
    page, audit = run.page, run.audit
    rows, entries = page.metrics.rows, page.metrics.summary
    audited = dict.fromkeys(score.model for score in audit.scores) if audit else ()
    return {
        **vars(run),
        "headline": headline(page, audit),
        "worst": {entry.label: worst_attack(attacks_on(entry, page, audit)) for entry in entries},
        "single": asked_for(rows),
        "first": {entry.label: entry.members(rows)[0] for entry in entries},
        "sentences": {model: audit.sentences([model]) for model in audited},
        "curves": curves(page.trainings),
        "health": health(page),
        "card": card.card(run),
    }


def _environment(autoescape):
    made = environment(autoescape, PACKAGE)
    made.filters |= {"human": human, "figure": attack_figure, "shortened": shortened}
    return made


def attack_figure(value: float, measure: str) -> str:
    """A score, its chance level or its error as text: shares in per cent, errors of pictures as they are."""
    return f"{value:.2f}" if measure == "inverse_mse" else percent(value)


def human(count: float) -> str:
    """1,234,567 as 1.23M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= limit:
            return f"{count / limit:.2f}{unit}"
    return str(int(count))
