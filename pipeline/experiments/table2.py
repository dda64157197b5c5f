"""Table 2 of DataMix (ECCV 2020) and FaceMix (CVPRW 2020): facial attributes on CelebA.

    python -m pipeline.run --experiment table2 --dataset folder:celeba_wild64.zip --output runs/table2
    python -m pipeline.run --experiment table2 --dataset celeb_a --preset datamix --split official   # as in the paper

Beside the paper's rows: DataMix with a linear path, a linear cloud and the edge alone; mixup with raw inputs in pairs;
DataMix on raw inputs (N_pre=0). Group sizes, and who is mixed with whom, are the experiment figure7's.
docs/results/results.md has times and figures.
"""

from datamix_tf.defences import Anonymizer, BlurredInput, Cloud, Edge, Mixup, Noise
from pipeline.experiments import Experiment
from pipeline.experiments.rows import HIDDEN, TARGET, Row, RowAttack, ours, papers

IDENTITY, ATTRIBUTES = RowAttack("label", HIDDEN), RowAttack("label", TARGET)
PROBE, SET = RowAttack("probe", TARGET), RowAttack("set", HIDDEN)
BOTH = (IDENTITY, ATTRIBUTES)


def paper(params, macs, valid, test, identity, attributes):
    figures = {"params": params, "MACs": macs, "valid": valid, "test": test}
    return {**figures, "identity": identity, "attributes": attributes}


EXPERIMENT = Experiment(
    title="Table 2: facial attribute classification, CelebA",
    preset="small",
    columns={
        "valid": "valid",
        "test": "test",
        "balanced": "balanced",
        "identity": "{hidden}",
        "attributes": "{target}",
        "identity, set": "{hidden} set",
    },
    rows=(
        Row(Edge(), attacks=(*BOTH, PROBE), paper=paper("11.21M", "1.50G", 91.6, 91.0, 0.1, 50.0)),
        Row(Cloud(), attacks=(*BOTH, PROBE), paper=paper("0", "0", 91.6, 91.0, 85.5, 79.3)),
        Row(Noise(4.0), attacks=BOTH, paper=paper("0", "0", 89.2, 88.6, 46.5, 73.1)),
        Row(Noise(8.0), attacks=BOTH, paper=paper("0", "0", 88.5, 87.9, 35.3, 70.8)),
        Row(BlurredInput(16), attacks=BOTH, paper=paper("0", "0", 89.6, 89.0, 52.2, 73.1)),
        Row(BlurredInput(8), attacks=BOTH, paper=paper("0", "0", 87.9, 87.3, 25.6, 68.7)),
        Row(Anonymizer, attacks=BOTH, paper=paper("11.38M", "47.13G", 90.5, 89.8, 62.6, 76.3)),
        Row(Mixup(), attacks=BOTH),
        Row(papers(0, 8), BOTH),
        Row(papers(1, 8), (*BOTH, SET), paper("0.05M", "0.09G", 91.2, 90.7, 0.6, 51.5)),
        Row(papers(2, 8), (*BOTH, SET), paper("0.12M", "0.28G", 91.2, 90.7, 0.6, 51.6)),
        Row(papers(3, 8), (*BOTH, SET), paper("0.20M", "0.46G", 91.4, 91.0, 0.6, 51.5)),
        *ours(BOTH),
    ),
)
