"""DataMix, information obfuscation, and both: signal content in front of the mixing, trained together.

    python -m pipeline.run --experiment composition --dataset folder:celeba_wild64.zip --output runs/composition

Both are linear, so they commute: the edge mixes coefficients instead of features. All cut behind two residual blocks
(N_pre = 3), where the cloud's network starts with strides.
"""

from datamix_tf.defences import STRIDED, Cloud, DataMix, SignalContentAlone, SignalContentMixed
from pipeline.experiments import Experiment, table2
from pipeline.experiments.rows import HIDDEN, TARGET, Row, RowAttack

ATTACKS = (RowAttack("label", HIDDEN), RowAttack("label", TARGET), RowAttack("set", HIDDEN))
RANKS = (64, 32, 16)

EXPERIMENT = Experiment(
    title="DataMix, information obfuscation, and both",
    preset="small",
    columns=table2.EXPERIMENT.columns,
    rows=(
        Row(Cloud(), attacks=ATTACKS[:2]),
        *(Row(SignalContentAlone(STRIDED, rank), ATTACKS[:2]) for rank in RANKS),
        Row(DataMix(STRIDED, 8, linear_path=False), ATTACKS),
        *(Row(SignalContentMixed(STRIDED, 8, rank), ATTACKS) for rank in RANKS),
    ),
)
