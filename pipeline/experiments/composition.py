"""DataMix, information obfuscation, and both: signal content in front of the mixing, trained together.

    python -m pipeline.run --experiment composition --dataset folder:celeba_wild64.zip --output runs/composition

Both are linear, so they commute: the edge mixes coefficients instead of features. All cut behind two residual blocks
(N_pre = 3), where the cloud's network starts with strides.
"""

from pipeline.experiments import Experiment, table2
from pipeline.experiments.rows import HIDDEN, STRIDED, TARGET, Row, RowAttack

ATTACKS = (RowAttack("label", HIDDEN), RowAttack("label", TARGET), RowAttack("set", HIDDEN))
RANKS = (64, 32, 16)

EXPERIMENT = Experiment(
    title="DataMix, information obfuscation, and both",
    preset="small",
    columns=table2.EXPERIMENT.columns,
    rows=(
        Row("cloud", attacks=ATTACKS[:2]),
        *(Row("obfuscation", 0, STRIDED, 1, ATTACKS[:2], signal_rank=rank) for rank in RANKS),
        Row("datamix", 0, STRIDED, 8, ATTACKS),
        *(Row("obfuscated_datamix", 0, STRIDED, 8, ATTACKS, signal_rank=rank) for rank in RANKS),
    ),
)
