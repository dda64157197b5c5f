"""The strip: raw | what the cloud sees | wrong key | best attack, by name | right key, of inputs of one group."""

from __future__ import annotations

import numpy as np

from components.records.page import Cell, Column, Strip
from components.report.artist import Artist, correlations, recordings
from components.report.separation import EXAMPLES, Separated
from components.storage.artifacts import Examples, RawExamples
from components.training.splits import Split

INPUTS = 4


def strip(model, found: Separated, examples: Examples, raw: RawExamples) -> Strip:
    """The strip of a model.

    Every column but the first is drawn as features and, below, as the input that ridge regression rebuilds from them:
    fitted on the train split, whose examples the attacker may have for its own.

    Args:
        model: A `DataMixModel`.
        found: What separation makes of its mixtures.
        examples: `Examples`.
        raw: `RawExamples` of the same data, for recordings to be played.
    """
    from datamix_tf.attacks.linked.mixed_groups import MixedGroups
    from datamix_tf.attacks.single.linear_decoder import LinearDecoder

    schema = examples.schema()
    train = Split(examples, "train").x[:EXAMPLES].astype("float32")
    tested = Split(examples, "test")
    test = tested.x
    decoder = LinearDecoder().fit(MixedGroups(model).features(train), train)
    truth = [test[group.index].astype("float32") for group in found.groups]
    mean = train.mean(0)

    def correlation(features):
        pairs = zip(features, truth, strict=True)
        return float(np.mean([correlations(decoder.decode(f) - mean, x - mean) for f, x in pairs]))

    seen = _columns(found)
    chosen = found.groups[0].index[:INPUTS]
    artist = Artist(schema, test[chosen], found.groups[0].features)
    columns = [Column(title="raw", key="raw")]
    for key, (title, features) in seen.items():
        chance = correlation(found.chance) if key == "attack" else None
        columns.append(Column(title=title, key=key, correlation=correlation(features), chance=chance))
    rebuilt = {key: decoder.decode(rows[0][:INPUTS]) for key, (_, rows) in seen.items()}
    names = dict(zip(chosen, tested.names(chosen), strict=True))
    played = recordings(raw, set(names.values())) if schema.kind == "audio" else {}
    rows = []
    for place, index in enumerate(chosen):
        cells = [artist.raw(test[index], played.get(names[index]))]
        cells += [artist.cell(features[0][place], rebuilt[key][place]) for key, (_, features) in seen.items()]
        rows.append(tuple(Cell(**cell) for cell in cells))
    n = sum(map(len, truth))
    return Strip(kind=schema.kind, columns=tuple(columns), rows=tuple(rows), n=n, score=found.score)


def _columns(found: Separated):
    """Column key -> (title, features of each group)."""
    from datamix_tf.attacks.linked.mixed_groups import rotations

    others = rotations(np.random.default_rng(1), len(found.groups), len(found.groups[0].key))
    pairs = list(zip(found.groups, others, strict=True))
    return {
        "cloud": ("what the cloud sees", [group.mixtures for group in found.groups]),
        "wrong": ("wrong key", [np.tensordot(other.T, group.mixtures, 1) for group, other in pairs]),
        "attack": (found.score.attack.partition(",")[0], found.recovered),
        "right": ("right key", [np.tensordot(group.key.T, group.mixtures, 1) for group, _ in pairs]),
    }
