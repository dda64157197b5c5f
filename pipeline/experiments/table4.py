"""Table 4 of DataMix (ECCV 2020): keyword spotting on Speech Commands.

    python -m pipeline.run --experiment table4 --dataset folder:speech_commands10.zip --output runs/table4
    python -m pipeline.run --experiment table4 --dataset speech_commands --preset datamix        # as in the paper

Beside the paper's rows: DataMix with a linear path, a linear cloud and the edge alone; naming all speakers in a
mixture. docs/results/results.md has times and figures.
"""

from datamix_tf.defences import Cloud, Edge, Noise
from pipeline.experiments import Experiment
from pipeline.experiments.rows import HIDDEN, TARGET, Row, RowAttack, ours, papers

BOTH = (RowAttack("label", HIDDEN), RowAttack("label", TARGET))
SET = RowAttack("set", HIDDEN)


def paper(params, macs, valid, test, identity, keyword):
    figures = {"params": params, "MACs": macs, "valid": valid, "test": test}
    return {**figures, "speaker": identity, "keyword": keyword}


EXPERIMENT = Experiment(
    title="Table 4: keyword spotting, Speech Commands",
    preset="small-speech",
    columns={
        "valid": "valid",
        "test": "test",
        "speaker": "{hidden}",
        "keyword": "{target}",
        "speaker, set": "{hidden} set",
    },
    rows=(
        Row(Edge(), attacks=BOTH, paper=paper("11.18M", "1.27G", 96.6, 96.5, 1.2, 3.8)),
        Row(Cloud(), attacks=BOTH, paper=paper("0", "0", 96.6, 96.5, 99.8, 96.5)),
        Row(Noise(4.0), attacks=BOTH, paper=paper("0", "0", 92.8, 91.5, 94.4, 91.5)),
        Row(Noise(8.0), attacks=BOTH, paper=paper("0", "0", 90.3, 89.1, 89.9, 89.1)),
        Row(papers(0, 8), (*BOTH, SET)),
        Row(papers(1, 8), (*BOTH, SET), paper("0.02M", "0.03G", 92.5, 92.2, 19.4, 18.8)),
        Row(papers(2, 8), (*BOTH, SET), paper("0.10M", "0.18G", 93.5, 93.3, 15.2, 19.4)),
        Row(papers(3, 8), (*BOTH, SET), paper("0.17M", "0.34G", 94.4, 94.6, 12.7, 19.4)),
        *ours((*BOTH, SET)),
    ),
)
