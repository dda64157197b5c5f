"""Reporter: the page people look at, one self-contained HTML file."""

from __future__ import annotations

import base64
import io

import apache_beam as beam
import numpy as np

from components import bad_records
from components import models as trained
from components.artifacts import Evaluation, Examples, Models, Package, Report, atomic_file
from components.base import Component, ComponentSpec
from components.data import arrays

PICTURES = 8
SCALE = 2


class Reporter(Component):
    """Writes `report.html`: headline, table, what the cloud sees, training, data health, the command.

    Parameters:
        model: Name of the packaged model, for the pictures.
        command: The command line of the run.

    Inputs:
        examples: `Examples`.
        models: `Models`.
        evaluation: `Evaluation`.
        package: `Package`, for the bytes of its messages.

    Outputs:
        report: `Report`.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples, "models": Models, "evaluation": Evaluation, "package": Package},
        outputs={"report": Report},
        parameters={"model": str, "command": str},
    )

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
        page = environment.get_template("report.html").render(
            metrics=metrics,
            command=self.parameters["command"],
            model=name,
            strip=strip(trained.load(inputs["models"], name), inputs["examples"]),
            schema=inputs["examples"].read_json("schema.json"),
            traffic=inputs["package"].read_json("traffic.json"),
            bad=inputs["examples"].read_json(bad_records.FILE),
            worst={entry_key(entry): worst_attack(entry, metrics["rows"]) for entry in metrics["summary"]},
            entry_key=entry_key,
            trainings=[trained.training(inputs["models"], model) for model in trained.names(inputs["models"])],
        )
        with (
            atomic_file(report.path("report.html")) as temporary,
            open(temporary, "w", encoding="utf-8") as file,
        ):
            file.write(page)


def entry_key(entry) -> str:
    """What a method is called in tables."""
    if entry["method"] == "datamix":
        return f"DataMix, N_pre={entry['num_pre_blocks']}, S_G={entry['group_size']}"
    if entry["method"] == "noise":
        return f"adding noise N(0, {entry['variance']:g})"
    if entry["method"] == "blur":
        return f"blurring to {entry['size']:g} x {entry['size']:g}"
    return {"edge": "all on the edge", "cloud": "all in the cloud"}[entry["method"]]


def members_of(entry, rows) -> list[dict]:
    """The rows, one for each seed, behind an entry of the summary."""
    keys = ("num_pre_blocks", "group_size", "variance", "size")
    settings = {key: entry[key] for key in keys if key in entry}
    return [
        row
        for row in rows
        if row["method"] == entry["method"] and settings.items() <= {k: row["settings"].get(k) for k in keys}.items()
    ]


def worst_attack(entry, rows):
    """Among the attacks on a method, the one furthest above chance: `(name, mean score, chance, n)`, or `None`."""
    members = members_of(entry, rows)
    candidates = [
        (name, entry["mean"][f"attack {name}"], attack["chance"], attack["n"])
        for name, attack in members[0]["attacks"].items()
        if "skipped" not in attack
    ]
    return max(candidates, key=lambda attack: attack[1] - attack[2], default=None)


def human(count: float) -> str:
    """1,234,567 as 1.23M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= limit:
            return f"{count / limit:.2f}{unit}"
    return str(int(count))


def strip(model, examples: Examples) -> list[tuple[str, str]]:
    """Rows of pictures of one group: `(caption, data URI of a PNG)`.

    The mixtures are of feature maps; a map is shown as the mean of its channels.
    """
    _, x, _ = arrays(examples, "test")
    x = x[np.arange(model.group_size) % len(x)].astype("float32")
    features = np.asarray(model.pre(x, training=False))
    key, other = (np.asarray(model.keys(features)) for _ in range(2))
    sent = np.asarray(model.mix(features, key))
    rows = [
        ("raw input", x),
        ("features on the edge", features),
        ("what the cloud sees", sent),
        ("de-mixed with a wrong key", np.asarray(model.demix(sent, other))),
        ("de-mixed with the right key", np.asarray(model.demix(sent, key))),
    ]
    height, width = x.shape[1] * SCALE, x.shape[2] * SCALE
    return [(caption, _picture(images[:PICTURES], height, width)) for caption, images in rows]


def _picture(images, height, width):
    from PIL import Image

    if images.shape[-1] != 3:
        images = images.mean(-1, keepdims=True).repeat(3, -1)
        low, high = images.min(), images.max()
        images = 255 * (images - low) / (high - low + 1e-9)
    tiles = [
        Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
        for image in images
    ]
    canvas = Image.new("RGB", (len(tiles) * (width + 4), height), "white")
    for index, tile in enumerate(tiles):
        canvas.paste(tile, (index * (width + 4), 0))
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
