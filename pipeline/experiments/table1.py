"""Table 1 of DataMix (ECCV 2020) and FaceMix (CVPRW 2020): what VGG-16 at 224 x 224 costs, split or not.

    python -m pipeline.run --experiment table1

Arithmetic alone: nothing is trained. Conventions (docs/results/costs.md): float32, mega = 2^20 for bytes and bits,
Eq. 1 with 15 Mbps up, 30 Mbps down and 25 ms of latency; one input.
"""

from __future__ import annotations

import dataclasses
import math

from pipeline.experiments import Experiment

CLASSIFIER = "fc8"
#: Column -> the last layer on the edge; the raw input is sent where there is none.
SPLITS = {
    "baseline (cloud)": None,
    "Osia et al.": "conv5_1",
    "ours, first convolution": "conv1_1",
    "ours, second convolution": "pool1",
}
DELEGATED = "Tramer et al."
COLUMNS = ("baseline (cloud)", "Osia et al.", DELEGATED, "ours, first convolution", "ours, second convolution")
#: The papers' rows. DataMix's, and FaceMix's where they differ.
PAPER = {
    "computation on the edge": ("0%", "93%", "~1% (quoted)", "1%", "13%"),
    "transmission size": ("0.6 MB", "0.4 MB", "86.5 MB", "12.3 MB", "3.1 MB (FaceMix: 3.0 MB)"),
    "transmission time": ("0.4 s", "0.3 s", "33.1 s", "6.5 s (FaceMix: 6.6 s)", "1.7 s"),
}


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one column costs.

    Attributes:
        share: Of the network's multiply-adds, on the edge; `None` where no arithmetic tells it.
        bytes: Sent for one input: up, and for a delegation down too, as in the papers.
        seconds: By Eq. 1.
    """

    share: float | None
    bytes: int
    seconds: float


def costs() -> dict[str, Cost]:
    """Column -> what it costs, exact."""
    from datamix_tf.costs import count_macs, delegation, output_bytes, transmission_seconds
    from datamix_tf.models import vgg16
    from datamix_tf.split import split

    network = vgg16()
    whole, answer = count_macs(network), output_bytes(network)
    found = {}
    for column, after in SPLITS.items():
        if after is None:
            macs, sent = 0, 4 * math.prod(network.input_shape[1:])
        else:
            pre, _, _ = split(network, after=after, before=CLASSIFIER)
            macs, sent = count_macs(pre), output_bytes(pre)
        found[column] = Cost(macs / whole, sent, transmission_seconds(sent, answer))
    there_and_back = delegation(network)
    total = there_and_back["bytes_up"] + there_and_back["bytes_down"]
    found[DELEGATED] = Cost(None, total, transmission_seconds(**there_and_back))
    return {column: found[column] for column in COLUMNS}


def table() -> str:
    """The table as Markdown, below each row the papers'."""
    from datamix_tf.costs import MEGA

    found = costs()
    rows = {
        "computation on the edge": [f"{100 * c.share:.1f}%" if c.share is not None else "-" for c in found.values()],
        "transmission size": [f"{c.bytes / MEGA:.2f} MB" for c in found.values()],
        "transmission time": [f"{c.seconds:.2f} s" for c in found.values()],
    }
    lines = [("", *COLUMNS), ("---",) * (1 + len(COLUMNS))]
    for name, cells in rows.items():
        lines += [(name, *cells), ("*the papers*", *PAPER[name])]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"# {EXPERIMENT.title}\n\n{text}\n\n{NOTE}"


NOTE = (
    "The share of Tramer et al. and the GPU's utilisation (100%, ~10%) are quoted by the papers from a talk. 12.25 MB "
    "take 6.58 s: DataMix's 6.5 s and FaceMix's 3.0 MB are cut off."
)
EXPERIMENT = Experiment(
    title="Table 1: what each framework costs, VGG-16 at 224 x 224", preset=None, columns={}, rows=(), text=table
)
