"""What the page tells of one run, gathered from artifacts as `page.json`; whatever is rendered is made from it."""

from __future__ import annotations

from typing import Any

import msgspec

from components.records.attacks import Separation
from components.records.dataset import Dataset
from components.records.metrics import METRICS_FILE, Metrics, SummaryEntry
from components.records.page import Page, Strip, Traffic
from components.report.drawing import embedded
from components.storage import bad_records
from components.storage.records import BadRecord
from components.training import models as trained


def page_content(
    model: str, inputs: dict[str, Any], separation: dict[str, Separation | None], strip: Strip | None, **pictures
) -> Page:
    """What the page tells.

    Args:
        model: Name of the packaged model.
        inputs: The artifacts, as of `Reporter`.
        separation: Model name -> the score of the untrained attacker, or `None`.
        strip: Of `components.report.strip.strip`.
        **pictures: `figures` and `defences`, each pairs of a caption and a PNG.
    """
    metrics = inputs["evaluation"].read(METRICS_FILE, Metrics)
    models = inputs["models"]
    trainings = {name: trained.training(models, name) for name in trained.names(models)}
    return Page(
        schema=1,
        model=model,
        metrics=metrics,
        data=Dataset.of(inputs["examples"].schema(), whole=True),
        bad=inputs["examples"].read(bad_records.FILE, tuple[BadRecord, ...]),
        traffic=inputs["package"].read("traffic.json", dict[str, Traffic]),
        edge_shares={entry.label: edge_share(entry, models) for entry in metrics.summary},
        trainings=tuple(msgspec.structs.replace(training, name=name) for name, training in trainings.items()),
        separation={name: score for name, score in separation.items() if score},
        strip=strip,
        **{key: tuple((caption, embedded(png)) for caption, png in pairs) for key, pairs in pictures.items()},
    )


def edge_share(entry: SummaryEntry, models) -> float:
    """The share of all multiply-adds of a method that the edge does, 0 to 1."""
    if entry.defence.sends_nothing:
        return 1.0
    from datamix_tf.costs import count_macs
    from datamix_tf.mixing_model import MixingModel

    model = trained.load(models, entry.models[0])
    mixes = isinstance(model, MixingModel)
    whole = entry.edge_macs + count_macs(model.main) if mixes else count_macs(model)
    return min(1.0, entry.edge_macs / max(whole, 1))
