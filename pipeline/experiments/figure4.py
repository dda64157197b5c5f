"""Figure 4 of DataMix (ECCV 2020): who is shown, read from mixtures of raw pictures, against the group size.

    python -m pipeline.run --experiment figure4 --dataset folder:celeba_wild64.zip --output runs/figure4
    python -m pipeline.run --experiment figure4 --dataset celeb_a --split official --preset datamix   # as in the paper

The paper mixes pictures as they are (section 4.1): N_pre = 0, unlike table 2. Its text gives two points: 85.5 % of
pictures alone (table 2), and of two mixed "reduced by 43.7%": 48.1 % if that is a share, 41.8 % if it is points.
"""

from datamix_tf.defences import Cloud
from pipeline.experiments import Experiment
from pipeline.experiments.rows import HIDDEN, Row, RowAttack, papers

IDENTITY, SET = RowAttack("label", HIDDEN), RowAttack("set", HIDDEN)
GROUP_SIZES = (2, 4, 8, 16)
ALONE, LESS = 85.5, 43.7
PAIR = f"{ALONE - LESS:.1f} to {ALONE * (1 - LESS / 100):.1f}"

EXPERIMENT = Experiment(
    title="Figure 4: identity read from mixtures of raw pictures, CelebA",
    preset="small",
    columns={"test": "test", "identity": "{hidden}", "identity, set": "{hidden} set"},
    rows=(
        Row(Cloud(), (IDENTITY,), {"identity": ALONE}),
        *(Row(papers(0, size), (IDENTITY, SET), {"identity": PAIR} if size == 2 else {}) for size in GROUP_SIZES),
    ),
)
