"""Reporter: the page people look at, one self-contained HTML file."""

from __future__ import annotations

import base64
import os

import apache_beam as beam

from components import bad_records, files
from components import models as trained
from components.artifacts import AttackScores, Evaluation, Examples, Models, Package, Report, atomic_file
from components.base import Component, ComponentSpec
from components.figures import trade_offs
from components.methods import entry_key, members_of, row_key
from components.pictures import defence_strips, group_strip


class Reporter(Component):
    """Writes `report.html` (headline, table, figures, what the cloud sees, training, data health, the command), and
    its figures as PNG files in `figures/`.

    Parameters:
        model: Name of the packaged model, for the pictures.
        command: The command line of the run.

    Inputs:
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
            "examples": Examples,
            "models": Models,
            "scores": AttackScores,
            "evaluation": Evaluation,
            "package": Package,
        },
        outputs={"report": Report},
        parameters={"model": str, "command": str},
    )
    without_effect = ("command",)

    def execute(self, inputs, outputs, options):
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Model" >> beam.Create([self.parameters["model"]])
                | "Write" >> beam.Map(self._write, inputs, outputs["report"])
            )

    def _write(self, name, inputs, report):
        import jinja2

        metrics = inputs["evaluation"].read_json("metrics.json")
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("components", "."), autoescape=True, undefined=jinja2.StrictUndefined
        )
        environment.filters["percent"] = lambda value: f"{100 * value:.1f} %"
        environment.filters["human"] = human
        trade_off_figures = trade_offs(metrics)
        strips = defence_strips(inputs["examples"], inputs["models"], inputs["scores"], metrics)
        figures = trade_off_figures | {f"strip-{index:02d}.png": picture for index, (_, picture) in enumerate(strips)}
        page = environment.get_template("report.html").render(
            metrics=metrics,
            command=self.parameters["command"],
            model=name,
            strip=_embedded(group_strip(trained.load(inputs["models"], name), inputs["examples"])),
            defences=_embedded(strips),
            figures=_embedded(trade_off_figures.items()),
            attack_figure=attack_figure,
            schema=inputs["examples"].read_json("schema.json"),
            traffic=inputs["package"].read_json("traffic.json"),
            bad=inputs["examples"].read_json(bad_records.FILE),
            worst={entry_key(entry): worst_attack(entry, metrics["rows"]) for entry in metrics["summary"]},
            entry_key=entry_key,
            row_key=row_key,
            trainings=[trained.training(inputs["models"], model) for model in trained.names(inputs["models"])],
        )
        with (
            atomic_file(report.path("report.html")) as temporary,
            open(temporary, "w", encoding="utf-8") as file,
        ):
            file.write(page)
        with files.writing(report.path("figures")) as folder:
            os.makedirs(folder, exist_ok=True)
            for file_name, picture in figures.items():
                with open(os.path.join(folder, file_name), "wb") as file:
                    file.write(picture)


def _embedded(pictures):
    """Pairs of a caption and a PNG as pairs of a caption and a data URI."""
    return [(caption, "data:image/png;base64," + base64.b64encode(png).decode()) for caption, png in pictures]


def attack_figure(value: float, measure: str) -> str:
    """A score, its chance level or its error as text: shares in per cent, errors of pictures as they are."""
    return f"{value:.2f}" if measure == "inverse_mse" else f"{100 * value:.1f} %"


def worst_attack(entry, rows):
    """Among the attacks on a method, the one furthest above chance: `(name, mean score, chance, n)`, or `None`."""
    members = members_of(entry, rows)
    candidates = [
        (name, entry["mean"][f"attack {name}"], attack["chance"], attack["n"])
        for name, attack in members[0]["attacks"].items()
        if "skipped" not in attack and attack["measure"] != "inverse_mse"
    ]
    return max(candidates, key=lambda attack: attack[1] - attack[2], default=None)


def human(count: float) -> str:
    """1,234,567 as 1.23M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= limit:
            return f"{count / limit:.2f}{unit}"
    return str(int(count))
