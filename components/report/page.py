"""Renders the page and the model card from `page.json`s; one page for one run and for several."""

from __future__ import annotations

from components.metrics_rows import entry_key, members_of, row_key
from components.report import card
from components.report.curves import curves
from components.report.headline import headline
from components.report.health import few, health
from components.report.templates import environment, for_script, percent, source, source_hash
from components.report.tradeoff import trade_off
from components.report.worst import attacks_on, worst

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
PAGE, MACROS, CARD, STYLE, SCRIPT = "page.html", "macros.html", "model_card.md", "style.css", "script.js"


def told(name: str, page: dict, audit=None, lineage=(), command="") -> dict:
    """One run, as the templates take it.

    Args:
        name: What the page calls it.
        page: The content of `page.json`.
        audit: The content of `audit.json` of the same models, or `None`.
        lineage: Dictionaries of one execution each (`pipeline.orchestration.publishing`), or nothing if not known.
        command: The command line, or nothing.
    """
    return {"name": name, "page": page, "audit": audit, "lineage": list(lineage), "command": command}


def render(runs: list[dict]) -> str:
    """The page of one run or several, each as of `told`, as one HTML text that needs nothing else."""
    style, script = (source(PACKAGE, name) for name in (STYLE, SCRIPT))
    names = {name.removesuffix(".html"): heading for name, heading in SECTIONS.items()}
    return (
        _environment(autoescape=True)
        .get_template(PAGE)
        .render(
            runs=[_prepared(run) for run in runs],
            several=len(runs) > 1,
            title=", ".join(dict.fromkeys(run["page"]["metrics"]["dataset"]["name"] for run in runs)),
            sections=names,
            style=style,
            script=script,
            style_hash=source_hash(style),
            script_hash=source_hash(script),
            points=for_script(trade_off(runs)),
        )
    )


def model_card(run: dict) -> str:
    """The model card of a run, as of `told`, as Markdown."""
    template = _environment(autoescape=False).get_template(CARD)
    return template.render(header=card.header(run), sections=card.card(run), model=run["page"]["model"])


def _prepared(run):
    page, audit = run["page"], run["audit"]
    entries = page["metrics"]["summary"]
    return {
        **run,
        "headline": headline(page, audit),
        "worst": {entry_key(entry): worst(attacks_on(entry, page, audit)) for entry in entries},
        "single": list(dict.fromkeys(name for row in page["metrics"]["rows"] for name in row["attacks"])),
        "first": {entry_key(entry): members_of(entry, page["metrics"]["rows"])[0] for entry in entries},
        "sentences": _sentences(audit),
        "curves": curves(page["trainings"]),
        "health": health(page),
        "card": card.card(run),
    }


def _sentences(audit):
    """Model -> a sentence for each threat model, and whether the worst attack succeeds."""
    from datamix_tf.audit import headlines, sentence, succeeds

    models = list(dict.fromkeys(score["model"] for score in audit["scores"])) if audit else []
    found = {}
    for model in models:
        scores = headlines([score for score in audit["scores"] if score["model"] == model])
        found[model] = [(sentence(score), succeeds(score)) for score in scores.values()]
    return found


def _environment(autoescape):
    made = environment(autoescape, PACKAGE)
    made.filters |= {"human": human, "figure": attack_figure, "few": few}
    made.globals |= {"entry_key": entry_key, "row_key": row_key}
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
