"""A journey as the page shows it: pictures, sounds, labels and figures, JSON-ready."""

from __future__ import annotations

import numpy as np

from components.report.artist import Artist, correlations
from components.report.separation import EXAMPLES
from pipeline.demo.attacker import Attacker
from pipeline.demo.intake import Given, Refused
from pipeline.demo.journey import WIRE, Journey
from pipeline.demo.opened import Opened

MOST_LABELS = 5
#: Columns behind the raw input -> their titles; the attack's has the name of the attack.
TITLES = {"none": "what leaves the device", "attack": "", "wrong": "wrong key", "right": "right key"}


def told(run: Opened, given: list[Given], refused: list[Refused], journey: Journey, attacker: Attacker) -> dict:
    """What the page tells of one query.

    Returns:
        `columns`, each with `key`, `title`, `correlation` (mean over the group of rebuilt with true inputs, both less
        the mean input) and for the attack its `chance`; `rows`, each with `name`, `cells` (a picture of the features
        where there is one, the picture and perhaps the `sound` of the input) by column key and `labels` (name,
        probability, whether it is true or `None`) by key; `refused`; `attack` or `None`; `traffic`;
        `milliseconds`.
    """
    seen = {"none": journey.mixtures, **journey.features}
    rebuilt = {key: attacker.decoder.decode(rows) for key, rows in seen.items()}
    artist = Artist(run.schema, np.stack([one.x for one in given]), journey.features["right"])
    columns = [{"key": "raw", "title": "raw"}]
    for key, title in TITLES.items():
        if key in seen:
            share = _correlation(rebuilt[key], journey.x, attacker.mean)
            columns.append({"key": key, "title": title or f"attack: {journey.attack.name}", "correlation": share})
            if key == "attack":
                columns[-1]["chance"] = _chance(journey, attacker)
    rows = []
    for place, one in enumerate(given):
        cells = {key: artist.cell(features[place], rebuilt[key][place]) for key, features in seen.items()}
        cells["raw"] = artist.raw(one.x, one.recording)
        labels = {key: _labels(run, rows_of[place], one.truth) for key, rows_of in journey.probabilities.items()}
        rows.append({"name": one.name, "cells": cells, "labels": labels})
    return {
        "columns": columns,
        "rows": rows,
        "refused": [{"name": one.name, "reason": one.reason} for one in refused],
        "attack": _attack(journey, attacker),
        "traffic": {"up": journey.bytes_up, "down": journey.bytes_down, "wire": WIRE},
        "covers": len(journey.x) - len(given),
        "milliseconds": journey.milliseconds,
    }


def about(run: Opened, url: str, embedded: bool, left_out: list[str]) -> dict:
    """What the page knows before the first query, JSON-ready.

    Args:
        run: The opened run.
        url: The cloud's.
        embedded: Whether the cloud is the demo's own.
        left_out: Names of attacks that are not tried.
    """
    manifest, preprocessing = run.manifest, run.manifest.preprocessing
    return {
        "kind": run.schema["kind"],
        "group_size": manifest.group_size,
        "numbers": int(np.prod(manifest.feature_shape)),
        "sample_rate": preprocessing.get("sample_rate"),
        "samples": preprocessing.get("samples"),
        "cloud": url,
        "embedded": embedded,
        "examples": min(EXAMPLES, run.schema["splits"]["train"]),
        "left_out": left_out,
    }


def _attack(journey, attacker):
    if journey.attack is None:
        return None
    found = journey.attack
    return {"name": found.name, "agreement": found.agreement, "chance": attacker.chance, "tried": found.tried}


def _labels(run, values, truth):
    best = np.argsort(-values, kind="stable")[:MOST_LABELS]
    return [[run.manifest.labels[i], float(values[i]), None if truth is None else int(i) in truth] for i in best]


def _correlation(rebuilt, x, mean):
    return float(np.mean(correlations(rebuilt - mean, x - mean)))


def _chance(journey, attacker):
    """The same of the best of as many random rotations, relative to the true features."""
    features = journey.features["right"]
    guessed = np.tensordot(attacker.guesses, features, 1)
    rebuilt = attacker.decoder.decode(guessed.reshape(-1, *features.shape[1:]))
    x = np.tile(journey.x, (len(attacker.guesses), *[1] * (journey.x.ndim - 1)))
    return _correlation(rebuilt, x, attacker.mean)
