"""Figure 7 of DataMix (ECCV 2020): accuracy against privacy by the group size (a) and against the edge's work (b).

    python -m pipeline.run --experiment figure7 --dataset folder:celeba_wild64.zip --output runs/figure7
    python -m pipeline.run --experiment figure7 --dataset celeb_a --split official --preset datamix   # as in the paper

Beside the paper's points: who is mixed with whom - mates of other identities, of one identity (in pairs: the test split
has few pictures of each person) - and mixtures that are permuted across groups. The paper prints no figures.
"""

from datamix_tf.defences import Cloud
from pipeline.experiments import Experiment
from pipeline.experiments.rows import HIDDEN, Row, RowAttack, papers

IDENTITY, SET = RowAttack("label", HIDDEN), RowAttack("set", HIDDEN)
DIFFERENT, SAME = (RowAttack("label", HIDDEN, mates=mates) for mates in ("different", "same"))
SHUFFLED = RowAttack("label", HIDDEN, shuffle=True)
#: Group size -> the attacks, with one block on the edge.
GROUP_SIZES = {
    1: (IDENTITY,),
    2: (IDENTITY, SET, DIFFERENT, SAME),
    4: (IDENTITY, SET),
    8: (IDENTITY, SET, DIFFERENT, SHUFFLED),
    16: (IDENTITY, SET),
}

EXPERIMENT = Experiment(
    title="Figure 7: accuracy, privacy and the edge's work, CelebA",
    preset="small",
    columns={"test": "test", "balanced": "balanced", "identity": "{hidden}", "identity, set": "{hidden} set"},
    rows=(
        Row(Cloud(), (IDENTITY,)),
        *(Row(papers(1, size), attacks) for size, attacks in GROUP_SIZES.items()),
        *(Row(papers(blocks, 8), (IDENTITY, SET)) for blocks in (2, 3)),
    ),
)
