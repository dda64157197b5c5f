"""What the page tells of one run, gathered from artifacts as `page.json`; whatever is rendered is made from it."""

from __future__ import annotations

from components.metrics_rows import defence_of, entry_key
from components.records.dataset import Dataset
from components.records.serialising import plain
from components.report.drawing import embedded
from components.storage import bad_records
from components.storage.artifacts import Artifact
from components.training import models as trained

FILE = "page.json"
SCHEMA_VERSION = 1


def gathered(model: str, inputs: dict[str, Artifact], separation: dict[str, dict | None], strip, pictures) -> dict:
    """The content of `page.json`.

    Args:
        model: Name of the packaged model.
        inputs: The artifacts, as of `Reporter`.
        separation: Model name -> the score of the untrained attacker, or `None`.
        strip: Of `components.report.strip.strip`.
        pictures: `figures` and `defences`, each pairs of a caption and a PNG.
    """
    metrics = inputs["evaluation"].read_json("metrics.json")
    models = inputs["models"]
    return {
        "schema": SCHEMA_VERSION,
        "model": model,
        "metrics": metrics,
        "data": plain(Dataset.of(inputs["examples"].schema(), whole=True)),
        "bad": inputs["examples"].read_json(bad_records.FILE),
        "traffic": inputs["package"].read_json("traffic.json"),
        "edge_shares": {entry_key(entry): edge_share(entry, models) for entry in metrics["summary"]},
        "trainings": [{"name": name, **trained.training(models, name)} for name in trained.names(models)],
        "separation": {name: score for name, score in separation.items() if score},
        "strip": strip,
        **{key: [[caption, embedded(png)] for caption, png in pairs] for key, pairs in pictures.items()},
    }


def edge_share(entry: dict, models) -> float:
    """The share of all multiply-adds of a method that the edge does, 0 to 1."""
    if defence_of(entry).sends_nothing:
        return 1.0
    whole = _macs(trained.load(models, entry["models"][0]))
    return min(1.0, entry["edge_macs"] / max(whole, 1))


def _macs(model):
    """Multiply-adds of a whole network, the edge's and the cloud's parts."""
    from datamix_tf.costs import cost_of

    parts = [getattr(model, part) for part in ("pre", "main", "post") if hasattr(model, part)]
    return sum(cost_of(part)["macs"] for part in parts or [model])
