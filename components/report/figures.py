"""The papers' trade-off figures, from the summary of a run."""

from __future__ import annotations

import io
import statistics

from components.records.metrics import Metrics
from datamix_tf.defences import DataMix


def trade_offs(metrics: Metrics) -> dict[str, bytes]:
    """The figures that a run's rows allow: file name -> PNG.

    `group-size.png`: accuracy and identity attack against the group size (DataMix, figures 4 and 7a), from two group
    sizes on, at the mixing depth with most of them. `edge-macs.png`: accuracy against the edge's multiply-adds (figure
    7b), from two mixing depths on.
    """
    figures = {}
    hidden = (*metrics.dataset.hidden, "")[0]
    by_depth = {}
    for entry in _mixing(metrics):
        by_depth.setdefault(entry.defence.num_pre_blocks, {})[entry.defence.group_size] = entry
    depth, sizes = max(by_depth.items(), key=lambda item: (len(item[1]), item[0] == 1), default=(1, {}))
    if len(sizes) > 1:
        figures["group-size.png"] = _group_sizes(sorted(sizes.items()), depth, hidden, metrics)
    if len({entry.defence.num_pre_blocks for entry in _mixing(metrics)}) > 1:
        figures["edge-macs.png"] = _edge_macs(metrics, hidden)
    return figures


def _mixing(metrics):
    """DataMix at several depths and group sizes: with a linear path, or without, whichever there are more of."""
    entries = [entry for entry in metrics.summary if entry.method == DataMix.id]
    by_path = [[entry for entry in entries if entry.defence.linear_path == path] for path in (True, False)]
    return max(by_path, key=len)


def _group_sizes(sizes, depth, hidden, metrics):
    names = [name for name in (hidden, f"{hidden} set") if any(f"attack {name}" in entry.mean for _, entry in sizes)]

    def draw(axes):
        _line(axes, sizes, "test_accuracy", "accuracy, test")
        for name in names:
            drawn = [(size, entry) for size, entry in sizes if f"attack {name}" in entry.mean]
            _line(axes, drawn, f"attack {name}", f"attack: {name}")
            chance = [(size, 100 * entry.members(metrics.rows)[0].attacks[name].chance) for size, entry in drawn]
            axes.plot(*zip(*chance, strict=True), ":", color=axes.lines[-1].get_color(), label=f"chance: {name}")
        axes.set_xscale("log", base=2)
        axes.set_xlabel(f"group size $S_G$ ($N_{{pre}}$ = {depth})")

    return png(draw)


def _line(axes, entries, key, label):
    positions = [position for position, _ in entries]
    means = [100 * entry.mean[key] for _, entry in entries]
    spreads = [100 * entry.std[key] for _, entry in entries]
    return axes.errorbar(positions, means, spreads, marker="o", capsize=3, label=label)[0]


def _edge_macs(metrics, hidden):
    usual = statistics.mode(entry.defence.group_size for entry in _mixing(metrics))

    def draw(axes):
        for entry in metrics.summary:
            if entry.settings.get("group_size", usual) != usual:
                continue
            attack = entry.mean.get(f"attack {hidden}")
            label = entry.label + (f" (attack: {hidden} {100 * attack:.1f} %)" if attack is not None else "")
            mean, spread = (100 * part["test_accuracy"] for part in (entry.mean, entry.std))
            axes.errorbar(entry.edge_macs / 1e6, mean, spread, marker="o", capsize=3, label=label)
        axes.set_xlabel("multiply-adds on the edge (millions)")
        axes.set_xscale("symlog", linthresh=1)

    return png(draw)


def png(draw) -> bytes:
    """A figure with one pair of axes, which `draw` is given, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_ylabel("%")
    draw(axes)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
