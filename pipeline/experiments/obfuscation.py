"""The figures of the obfuscation paper (Samragh et al., 2021) as rows: what six-layer networks send, and who reads it.

python -m pipeline.obfuscation --dataset folder:celeba_wild64.zip --figures 2,3,4,5,6,7 --output runs/obfuscation
"""

from __future__ import annotations

import dataclasses
import json
import math

from components.records.metrics import Metrics
from components.records.serialising import plain
from datamix_tf.defences import (
    AdversarialTraining,
    ClippedNoise,
    Cloud,
    Defence,
    InformationBottleneck,
    Pruning,
    RemovalTrained,
    Shredder,
    SignalContentSent,
    SplitFeature,
)
from pipeline.experiments.rows import FIRST_HIDDEN, HIDDEN, Row, RowAttack

FIGURES = (2, 3, 4, 5, 6, 7)
LAYERS = (1, 2, 3, 4, 5, 6)
MIDDLE = 4  # the input of FC1, where the paper draws its trade-offs
MAX_DROP = 0.01
#: Method -> its levels in the trade-off figures.
TRADE_OFFS = {
    "signal": (1, 2, 3, 4, 8, 16, 32, 64, 128),
    "pruning": (1, 4, 16, 64, 128, 256),
    "adversarial": (0.1, 0.25, 0.5, 1.0),
    "bottleneck": (0.01, 0.1, 1.0),
    "shredder": (0.01, 0.1, 1.0),
    "gaussian": (0.02, 0.05, 0.1, 0.2),
}
IN_FIGURE = {4: ("signal",), 5: ("signal", "pruning"), 6: tuple(TRADE_OFFS)}
#: By split layer: what the server's first layer has at least of outputs (two classes), the feature of channels.
MOST = {"signal": (16, 32, 64, 128, 64, 2), "pruning": (1, 16, 32, math.inf, 128, 64)}


@dataclasses.dataclass(frozen=True)
class Point:
    """One point of a figure.

    Attributes:
        method: `"none"`, `"signal"`, `"bounded"` (signal content within an accuracy that may be lost), `"distortion"`
            (within a distortion of the server's first layer, Theorem 1), or one of `TRADE_OFFS`.
        split_layer: The paper's split layer, 1 ... 6: one less run on the edge.
        level: The method's strength; for `"signal"`, 0 sends all that the server sees.
        network: `"plain"`, or `"signal"`: trained to stand the removal of signal content.
        exact: Whether signal content is that of whole maps instead of receptive fields.
    """

    method: str
    split_layer: int
    level: float = 0.0
    network: str = "plain"
    exact: bool = False

    def defence(self, decov: float, gaussian: float) -> Defence:
        """The defence, for the weights of the penalties with which the `"signal"` network is trained."""
        blocks, level = self.split_layer - 1, self.level
        signal = {"decov": decov, "gaussian": gaussian}
        sent = {**signal, "exact": self.exact}
        made = {
            "none": lambda: SplitFeature(blocks, True, **signal) if self.network == "signal" else SplitFeature(blocks),
            "signal": lambda: SignalContentSent(blocks, int(level), **sent),
            "bounded": lambda: SignalContentSent(blocks, max_drop=level, **sent),
            "distortion": lambda: SignalContentSent(blocks, distortion=level, **sent),
            "pruning": lambda: Pruning(blocks, int(level)),
            "adversarial": lambda: AdversarialTraining(blocks, level),
            "bottleneck": lambda: InformationBottleneck(blocks, level),
            "shredder": lambda: Shredder(blocks, level),
            "gaussian": lambda: ClippedNoise(blocks, level),
        }
        return made[self.method]()


def networks(decov: float, gaussian: float) -> dict[str, Defence]:
    """The two networks that the points start from, by name."""
    return {"plain": Cloud(), "signal": RemovalTrained(decov, gaussian)}


def points(figures, trade_off_layers, trade_offs, distortions=(), exact=False) -> dict[Point, str]:
    """The points that figures need, each once, with the columns that are attacked (`RowAttack.label`).

    Args:
        figures: Of `FIGURES`.
        trade_off_layers: Split layers of figures 4 to 6.
        trade_offs: Methods of those, of `TRADE_OFFS`.
        distortions: Budgets epsilon of Theorem 1 that are tried there, too.
        exact: Whether signal content is that of whole maps.
    """
    found: dict[Point, str] = {}
    if 3 in figures:
        for layer in LAYERS:
            bounded = Point("bounded", layer, MAX_DROP, "signal")
            three = (
                Point("none", layer),
                Point("none", layer, network="signal"),
                Point("signal", layer, 0.0, "signal"),
            )
            found |= dict.fromkeys((*three, bounded), FIRST_HIDDEN)
    for figure in set(figures) & set(IN_FIGURE):
        for layer in trade_off_layers:
            found |= dict.fromkeys((Point("none", layer), Point("none", layer, network="signal")), FIRST_HIDDEN)
            for method in set(IN_FIGURE[figure]) & set(trade_offs):
                network = "signal" if method == "signal" else "plain"
                levels = [level for level in TRADE_OFFS[method] if level <= MOST.get(method, [math.inf] * 6)[layer - 1]]
                found |= {Point(method, layer, float(level), network): FIRST_HIDDEN for level in levels}
            found |= {Point("distortion", layer, epsilon, "signal"): FIRST_HIDDEN for epsilon in distortions}
    if 7 in figures:
        signal = Point("signal", MIDDLE, 1.0, "signal")
        found |= dict.fromkeys((Point("none", MIDDLE), signal, Point("adversarial", MIDDLE, 1.0)), HIDDEN)
    removed = ("signal", "bounded", "distortion")
    return {
        dataclasses.replace(point, exact=exact and point.method in removed): label for point, label in found.items()
    }


def rows(chosen: dict[Point, str], decov: float, gaussian: float) -> list[Row]:
    """The rows of points, and of the networks that they start from."""
    started = [Row(defence) for defence in networks(decov, gaussian).values()]
    attacked = [Row(point.defence(decov, gaussian), (RowAttack("label", label),)) for point, label in chosen.items()]
    return started + attacked


def scores(metrics: Metrics, content: dict, chosen: dict[Point, str], decov: float, gaussian: float) -> dict:
    """What `obfuscation.json` tells: `networks` and `rows`, from `metrics.json`.

    Args:
        metrics: What was measured.
        content: By model, the preserved signal content by split layer.
        chosen: The points.
        decov, gaussian: Weights of the penalties.
    """
    by_defence = {point.defence(decov, gaussian): point for point in chosen}
    named = {defence: name for name, defence in networks(decov, gaussian).items()}
    made: dict[str, list[dict]] = {"networks": [], "rows": []}
    for row in metrics.rows:
        defence, seed = row.defence, row.settings["seed"]
        if defence in named:
            told = {key: row.settings[key] for key in ("epochs", "batch_size", "learning_rate")}
            config = {"objective": named[defence], **told, "decov": decov, "gaussian": gaussian, "seed": seed}
            name = f"{named[defence]}-seed{seed}"
            accuracy = {"test_accuracy": row.test_accuracy}
            made["networks"].append({"name": name, "config": config, **accuracy, "content": content[row.model]})
        if defence in by_defence:
            made["rows"].append(_row(row, by_defence[defence], seed, metrics.dataset.hidden))
    return {key: sorted(entries, key=lambda entry: json.dumps(entry, sort_keys=True)) for key, entries in made.items()}


def _row(row, point, seed, hidden):
    bounded = point.method == "bounded"
    return {
        "method": point.method,
        "network": f"{point.network}-seed{seed}",
        "seed": seed,
        "split_layer": point.split_layer,
        "level": point.level,
        "in_use": float(row.details["rank_sent"]) if bounded else point.level,
        **{key: getattr(row, key) for key in ("edge_macs", "bytes_up", "valid_accuracy", "test_accuracy")},
        "difference": row.details["logit_change"] if point.method == "signal" else None,
        "attacks": {column: plain(row.attacks[column]) for column in hidden if column in row.attacks},
    }
