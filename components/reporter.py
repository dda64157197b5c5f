"""Reporter: the page people look at, one self-contained HTML file."""

from __future__ import annotations

import os

import apache_beam as beam

from components.base import Component, ComponentSpec
from components.records.metrics import METRICS_FILE, Metrics
from components.records.page import PAGE_FILE
from components.report.figures import trade_offs
from components.report.page import CARD, RunPage, model_card, render
from components.report.page_content import page_content
from components.report.pictures import defence_strips
from components.report.separation import separated
from components.report.strip import strip
from components.storage import files
from components.storage.artifacts import (
    AttackScores,
    Evaluation,
    Examples,
    Models,
    Package,
    RawExamples,
    Report,
    atomic_file,
    write_json,
)
from components.training import models as trained

REPORT = "report.html"


class Reporter(Component):
    """Measures what the page alone shows (the strip, and what separation makes of every mixing method), and writes
    `page.json` (all that the page tells of the run), `report.html` and `model_card.md` rendered from it, and figures as
    PNG files in `figures/`.

    What only the pipeline knows (lineage, the command, an audit that came later) is not there; whoever knows it renders
    `page.json` again (`components.report.page`).

    Parameters:
        model: Name of the packaged model, for headline and pictures.

    Inputs:
        raw: `RawExamples`, for recordings to be played.
        examples: `Examples`.
        models: `Models`.
        scores: `AttackScores`, for rebuilt pictures.
        evaluation: `Evaluation`.
        package: `Package`, for the bytes of its messages.

    Outputs:
        report: `Report`.
    """

    spec = ComponentSpec(
        inputs={
            "raw": RawExamples,
            "examples": Examples,
            "models": Models,
            "scores": AttackScores,
            "evaluation": Evaluation,
            "package": Package,
        },
        outputs={"report": Report},
        parameters={"model": str},
    )

    def execute(self, inputs, outputs, options):
        metrics = inputs["evaluation"].read(METRICS_FILE, Metrics)
        names = sorted({self.parameters["model"], *(entry.models[0] for entry in metrics.summary)})
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Models" >> beam.Create(names)
                | "Spread" >> beam.Reshuffle()
                | "Separate" >> beam.Map(_separated, self.parameters["model"], inputs)
                | "Collect" >> beam.combiners.ToDict()
                | "Write" >> beam.Map(self._write, inputs, outputs["report"])
            )

    def _write(self, measured, inputs, report):
        name, metrics = self.parameters["model"], inputs["evaluation"].read(METRICS_FILE, Metrics)
        defences = defence_strips(inputs["examples"], inputs["models"], inputs["scores"], metrics)
        drawn = trade_offs(metrics)
        page = page_content(
            name,
            inputs,
            {name: score for name, (score, _) in measured.items()},
            measured[name][1],
            figures=drawn.items(),
            defences=defences,
        )
        write_json(report.path(PAGE_FILE), page)
        run = RunPage(name, page)
        for file_name, text in ((REPORT, render([run])), (CARD, model_card(run))):
            with atomic_file(report.path(file_name)) as temporary, open(temporary, "w", encoding="utf-8") as file:
                file.write(text)
        strips = {f"strip-{index:02d}.png": picture for index, (_, picture) in enumerate(defences)}
        with files.writing(report.path("figures")) as folder:
            os.makedirs(folder, exist_ok=True)
            for file_name, picture in {**drawn, **strips}.items():
                with open(os.path.join(folder, file_name), "wb") as file:
                    file.write(picture)


def _separated(name, packaged, inputs):
    """A model's name, what separation scores on it, and if it is the packaged one its strip; `None` for what is not."""
    model = trained.load(inputs["models"], name)
    found = separated(model, inputs["examples"])
    if found is None:
        return name, (None, None)
    return name, (found.score, strip(model, found, inputs["examples"], inputs["raw"]) if name == packaged else None)
