"""What the page is sent, JSON-ready: before the first query, and in response to each one."""

from __future__ import annotations

import numpy as np

from components.report import sound
from components.report.artist import Artist, correlations
from components.report.separation import EXAMPLES
from pipeline.demo.attacker import Attacker
from pipeline.demo.inputs import Input, RejectedFile
from pipeline.demo.key_comparison import KeyComparison
from pipeline.demo.loaded_run import WIRE, LoadedRun
from serving.edge import preprocess

MOST_LABELS = 5
#: Columns behind the raw input -> their titles; the attack's has the name of the attack.
TITLES = {"none": "what leaves the device", "attack": "", "wrong": "wrong key", "right": "right key"}


def query_response(
    run: LoadedRun, inputs: list[Input], rejected: list[RejectedFile], comparison: KeyComparison, attacker: Attacker
) -> dict:
    """The response to one query: pictures, sounds, labels and figures.

    Returns:
        `columns`, each with `key`, `title`, `correlation` (mean over the group of rebuilt with true inputs, both less
        the mean input) and for the attack its `chance`; `rows`, each with `name`, `cells` (a picture of the features
        where there is one, the picture and perhaps the `sound` of the input) by column key and `labels` (name,
        probability, whether it is true or `None`) by key; `refused`; `attack` or `None`; `traffic`; `milliseconds`.
    """
    features, exchange = comparison.features, comparison.exchange
    count = len(comparison.x)  # drawn covers are no inputs: behind these there is nothing to compare with
    rebuilt = {key: attacker.decoder.decode(rows)[:count] for key, rows in features.items()}
    artist = Artist(run.schema, np.stack([one.x for one in inputs]), comparison.features["right"])
    columns = [{"key": "raw", "title": "raw"}]
    for key, title in TITLES.items():
        if key in features:
            share = _correlation(rebuilt[key], comparison.x, attacker.mean)
            columns.append({"key": key, "title": title or f"attack: {comparison.attack.name}", "correlation": share})
            if key == "attack":
                columns[-1]["chance"] = _chance(comparison, attacker)
    rows = []
    for index, one in enumerate(inputs):
        cells = {key: artist.cell(rows_of[index], rebuilt[key][index]) for key, rows_of in features.items()}
        cells["raw"] = artist.raw(one.x, one.recording)
        labels = {key: _labels(run, rows_of[index], one.truth) for key, rows_of in comparison.probabilities.items()}
        rows.append({"name": one.name, "cells": cells, "labels": labels})
    return {
        "columns": columns,
        "rows": rows,
        "refused": [vars(file) for file in rejected],
        "attack": _attack(comparison.attack, attacker),
        "traffic": {"up": exchange.bytes_up, "down": exchange.bytes_down, "wire": WIRE},
        "covers": len(exchange.mixtures) - len(inputs),
        "milliseconds": comparison.milliseconds,
    }


def page_context(run: LoadedRun, url: str, embedded: bool, left_out: list[str]) -> dict:
    """What the page knows before the first query, JSON-ready.

    Args:
        run: The loaded run.
        url: The cloud's.
        embedded: Whether the cloud is the demo's own.
        left_out: Names of attacks that are not tried.
    """
    manifest, preprocessing = run.manifest, run.manifest.preprocessing
    return {
        "kind": run.schema.kind,
        "group_size": manifest.group_size,
        "numbers": int(np.prod(manifest.feature_shape)),
        "sample_rate": preprocessing.get("sample_rate"),
        "samples": preprocessing.get("samples"),
        "cloud": url,
        "embedded": embedded,
        "examples": min(EXAMPLES, run.known_count),
        "known": run.known_told,
        "covers": run.covers_told,
        "notes": run.notes,
        "sounds": _sounds(run),
        "level": run.level,
        "left_out": left_out,
        "answer": run.answer,
        "draws_covers": run.draws_covers,
    }


def _sounds(run):
    """The sounds that the page offers, by name, to be played."""
    if not run.samples:
        return {}
    made, found = preprocess.from_config(run.manifest.preprocessing), run.sounds(run.samples)
    return {name: sound.wav_uri(made.decode(found[name]), made.sample_rate) for name in run.samples}


def _attack(attack, attacker):
    if attack is None:
        return None
    return {"name": attack.name, "agreement": attack.agreement, "chance": attacker.chance, "tried": attack.tried}


def _labels(run, values, truth):
    best = np.argsort(-values, kind="stable")[:MOST_LABELS]
    return [[run.manifest.labels[i], float(values[i]), None if truth is None else int(i) in truth] for i in best]


def _correlation(rebuilt, x, mean):
    return float(np.mean(correlations(rebuilt - mean, x - mean)))


def _chance(comparison, attacker):
    """The same of the best of as many random rotations, relative to the true features."""
    features = comparison.features["right"]
    guessed = np.tensordot(attacker.guesses, features, 1)
    guessed = guessed[:, : len(comparison.x)]
    rebuilt = attacker.decoder.decode(guessed.reshape(-1, *features.shape[1:]))
    x = np.tile(comparison.x, (len(attacker.guesses), *[1] * (comparison.x.ndim - 1)))
    return _correlation(rebuilt, x, attacker.mean)
