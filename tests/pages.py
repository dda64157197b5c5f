"""What a page tells of a run, made up: for tests of everything that is rendered from it."""

from __future__ import annotations

import numpy as np

from components.records.audit import AuditReport
from components.records.dataset import Dataset
from components.records.metrics import Metrics, Row
from components.records.page import Page
from components.records.serialising import converted
from components.report import drawing, sound

DATASET = {
    "name": "made up <b>",
    "kind": "image",
    "fingerprint": "f" * 64,
    "target": ["smile", "hat"],
    "hidden": ["identity"],
    "task": "binary",
    "splits": {"train": 60, "valid": 20, "test": 40},
    "bad_records": 0,
    "shape": [32, 32, 3],
    "official_split": False,
}
ROW = {"seed": 0, "width": 8, "epochs": 3, "augment": ["shift"]}


def row(method, model, settings=None, attacks=None, sent=1024, accuracy=0.9, macs=1000):
    scores = {"valid_accuracy": accuracy, "test_accuracy": accuracy, "balanced_accuracy": accuracy, "auc": accuracy}
    costs = {"edge_params": 10, "edge_macs": macs, "bytes_up": sent, "bytes_down": 16}
    found = {"method": method, "model": model, "settings": {**ROW, **(settings or {})}, "attacks": attacks or {}}
    found |= {**scores, **costs, "training_seconds": 1.0}
    return found | ({"wrong_key": scores, "unmixed": scores} if method == "datamix" else {})


def attack(score, chance=0.5, n=40, measure="balanced_accuracy"):
    return {"score": score, "chance": chance, "n": n, "measure": measure, "standard_error": 0.05}


def metrics(rows, command=None) -> Metrics:
    """A `metrics.json` with rows as of `row`; with settings if there is a command."""
    from components.evaluator import summary

    rows = converted(rows, list[Row])
    settings = {"command": command} if command else {}
    dataset = converted(DATASET, Dataset)
    return Metrics(schema=1, settings=settings, dataset=dataset, rows=tuple(rows), summary=tuple(summary(rows)))


def page(kind="image", leaking=0.99, bad=()) -> Page:
    """A `page.json`: a run of three methods, of which DataMix is packaged."""
    mixing = {"num_pre_blocks": 1, "group_size": 4}
    rows = [
        row("edge", "plain-seed0", sent=0, accuracy=0.95, macs=4000, attacks={"identity": attack(0.5)}),
        row("cloud", "plain-seed0", accuracy=0.95, macs=0, attacks={"identity": attack(0.9)}),
        row("datamix", "datamix-seed0", mixing, {"identity": attack(0.52), "age": {"skipped": "too few"}}, sent=4096),
    ]
    shape = [32, 32, 3] if kind == "image" else [64, 64, 1]
    data = {
        **DATASET,
        "kind": kind,
        "target": ["smile", "hat"] if kind == "image" else ["keyword"],
        "task": "binary" if kind == "image" else "categorical",
        "bad_records": len(bad),
        "shape": shape,
        "label_counts": {
            "smile": {"0": 30, "1": 90},
            "hat": {"0": 119, "1": 1},
            "keyword": {"yes": 70, "no": 50},
            "identity": {str(person): 1 + person for person in range(60)},
        },
    }
    separation = {**attack(leaking, 0.7, 8, "key_agreement"), "attack": "FastICA on gradients, groups known"}
    separation |= {"threat": "linked", "name": "key by FastICA on gradients"}
    histories = {"loss": [1.0, 0.5, 0.25], "accuracy": [0.5, 0.7, 0.9]}
    told = {
        "schema": 1,
        "model": "datamix-seed0",
        "metrics": metrics(rows),
        "data": data,
        "bad": [{"name": name, "reason": "damaged"} for name in bad],
        "traffic": {form: {"bytes_up": 2000.0, "bytes_down": 90.0} for form in ("float32", "float16", "json")},
        "edge_shares": {"all on the edge": 1.0, "all in the cloud": 0.0, "DataMix, N_pre=1, S_G=4": 0.25},
        "trainings": [
            {"name": name, "config": {"seed": 0, "epochs": 3}, "seconds": 2.0, "steps": 9, "history": histories}
            for name in ("plain-seed0", "datamix-seed0")
        ],
        "separation": {"datamix-seed0": separation},
        "strip": strip(kind, separation),
        "figures": [],
        "defences": [],
    }
    return converted(told, Page)


def strip(kind, score):
    random = np.random.default_rng(0)
    picture = drawing.png_uri(random.integers(0, 255, (32, 32, 3), np.uint8))
    cell = {"pictures": [picture, picture]}
    if kind == "audio":
        cell["sound"] = sound.wav_uri(np.sin(np.arange(16000) / 10), 16000)
    titles = {"raw": "raw", "cloud": "what the cloud sees", "wrong": "wrong key", "attack": "FastICA"}
    titles["right"] = "right key"
    columns = [{"key": key, "title": title, "correlation": 0.5} for key, title in titles.items()]
    columns[3]["chance"] = 0.1
    return {"kind": kind, "columns": columns, "rows": [[cell] * 5] * 2, "n": 32, "score": score}


def audit(score=0.9) -> AuditReport:
    """An `audit.json` of the packaged model: one attack that succeeds, one that does not."""
    known = {"model": "datamix-seed0", "standard_error": 0.02, "seconds": 1.0, "n": 50, "chance": 0.5}
    membership = {"threat": "candidate", "name": "membership by the group's span", "score": score, "measure": "auc"}
    single = {"threat": "single", "name": "age by a network", "score": 0.5, "measure": "accuracy"}
    data = {"name": "made up", "fingerprint": "f", "splits": {}}
    told = {"schema": 1, "dataset": data, "command": "python -m pipeline.audit", "models": {"datamix-seed0": {}}}
    return converted(told | {"scores": [{**known, **membership}, {**known, **single}]}, AuditReport)
