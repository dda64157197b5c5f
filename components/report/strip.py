"""The strip: raw | what the cloud sees | wrong key | best attack, by name | right key, of inputs of one group."""

from __future__ import annotations

import numpy as np

from components.report.artist import Artist, correlations, recordings
from components.report.separation import EXAMPLES, Separated
from components.storage.artifacts import Examples, RawExamples
from components.training.data import arrays

INPUTS = 4


def strip(model, found: Separated, examples: Examples, raw: RawExamples) -> dict:
    """The strip of a model, JSON-ready.

    Every column but the first is drawn as features and, below, as the input that ridge regression rebuilds from them:
    fitted on the train split, whose examples the attacker may have for its own.

    Args:
        model: A `DataMixModel`.
        found: What separation makes of its mixtures.
        examples: `Examples`.
        raw: `RawExamples` of the same data, for recordings to be played.

    Returns:
        `columns`, each with `title`, `correlation` (mean over all inputs of the attacked groups, of rebuilt with true
        inputs, both less the mean input) and for the attack its `chance`; `rows`, each a list of cells with
        `pictures` and perhaps `sound`; `n`, the number of inputs behind the correlations; `score` of the attack.
    """
    from datamix_tf.attacks.linked.mixed_groups import MixedGroups
    from datamix_tf.attacks.single.linear_decoder import LinearDecoder

    schema = examples.schema()
    train = arrays(examples, "train")[1][:EXAMPLES].astype("float32")
    names, test, _ = arrays(examples, "test")
    decoder = LinearDecoder().fit(MixedGroups(model).features(train), train)
    truth = [test[group.index].astype("float32") for group in found.groups]
    mean = train.mean(0)

    def correlation(features):
        pairs = zip(features, truth, strict=True)
        return float(np.mean([correlations(decoder.decode(f) - mean, x - mean) for f, x in pairs]))

    seen = _columns(found)
    chosen = found.groups[0].index[:INPUTS]
    artist = Artist(schema, test[chosen], found.groups[0].features)
    columns = [{"title": "raw", "key": "raw"}]
    columns += [{"title": t, "key": key, "correlation": correlation(rows)} for key, (t, rows) in seen.items()]
    next(c for c in columns if c["key"] == "attack")["chance"] = correlation(found.chance)
    rebuilt = {key: decoder.decode(rows[0][:INPUTS]) for key, (_, rows) in seen.items()}
    played = recordings(raw, {names[index] for index in chosen}) if schema.kind == "audio" else {}
    rows = []
    for place, index in enumerate(chosen):
        cells = [artist.raw(test[index], played.get(names[index]))]
        cells += [artist.cell(features[0][place], rebuilt[key][place]) for key, (_, features) in seen.items()]
        rows.append(cells)
    return {"kind": schema.kind, "columns": columns, "rows": rows, "n": sum(map(len, truth)), "score": found.score}


def _columns(found: Separated):
    """Column key -> (title, features of each group)."""
    from datamix_tf.attacks.linked.mixed_groups import rotations

    others = rotations(np.random.default_rng(1), len(found.groups), len(found.groups[0].key))
    pairs = list(zip(found.groups, others, strict=True))
    return {
        "cloud": ("what the cloud sees", [group.mixtures for group in found.groups]),
        "wrong": ("wrong key", [np.tensordot(other.T, group.mixtures, 1) for group, other in pairs]),
        "attack": (found.score["attack"].partition(",")[0], found.recovered),
        "right": ("right key", [np.tensordot(group.key.T, group.mixtures, 1) for group, _ in pairs]),
    }
