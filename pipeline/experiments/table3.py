"""Table 3 of DataMix (ECCV 2020) and FaceMix (CVPRW 2020): facial attributes on LFWA, with reconstruction; figure 6.

    python -m pipeline.run --experiment table3 --dataset folder:celeba_wild64.zip --output runs/table3
    python -m pipeline.run --experiment table3 --dataset lfwa --preset datamix-lfwa      # as in the paper

The papers rebuild faces from mixtures of raw inputs, "without the preprocessing model for fair comparison": that is the
row N_pre=0 here. The other rows rebuild them from the mixed features that the cloud receives.
Beside them: DataMix with a linear path, a linear cloud and the edge alone. docs/results/results.md has times and
figures.
"""

from datamix_tf.defences import BlurredInput, Cloud, Edge, Noise
from pipeline.experiments import Experiment
from pipeline.experiments.rows import TARGET, Row, RowAttack, ours, papers

ATTACKS = (RowAttack("label", TARGET), RowAttack("reconstruction", TARGET))


def paper(params, macs, test, balanced, reconstruction, attributes):
    figures = {"params": params, "MACs": macs, "test": test, "balanced": balanced}
    return {**figures, "reconstruction": reconstruction, "attributes": attributes}


EXPERIMENT = Experiment(
    title="Table 3: facial attribute classification, LFWA",
    preset="small",
    columns={
        "test": "test",
        "balanced": "balanced",
        "reconstruction": "reconstruction",
        "attributes": "{target}",
    },
    rows=(
        Row(Edge(), attacks=ATTACKS, paper=paper("11.21M", "1.50G", 91.1, 87.1, -0.56, 50.0)),
        Row(Cloud(), attacks=ATTACKS, paper=paper("0", "0", 91.1, 87.1, -0.00, 87.1)),
        Row(Noise(4.0), attacks=ATTACKS, paper=paper("0", "0", 88.5, 82.5, -0.03, 82.7)),
        Row(Noise(8.0), attacks=ATTACKS, paper=paper("0", "0", 87.7, 81.3, -0.02, 81.4)),
        Row(BlurredInput(16), attacks=ATTACKS, paper=paper("0", "0", 88.8, 83.4, -0.03, 83.6)),
        Row(BlurredInput(8), attacks=ATTACKS, paper=paper("0", "0", 87.0, 80.6, -0.07, 77.8)),
        Row(papers(0, 8), ATTACKS),
        Row(papers(1, 8), ATTACKS, paper("0.05M", "0.09G", 90.5, 86.8, -0.37, 50.6)),
        Row(papers(2, 8), ATTACKS, paper("0.12M", "0.28G", 90.7, 86.9, -0.37, 50.7)),
        Row(papers(3, 8), ATTACKS, paper("0.20M", "0.46G", 90.7, 87.1, -0.37, 50.6)),
        *ours(ATTACKS),
    ),
)
