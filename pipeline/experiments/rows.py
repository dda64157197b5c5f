"""What a run compares: rows of a table, each a method with its attacks."""

from __future__ import annotations

import dataclasses

from components.training.methods import VARIANTS

TARGET, HIDDEN = "target", "hidden"
#: N_pre behind which the cloud's ResNet starts with strides: no shortcut then shows it all of the feature.
STRIDED = 3


@dataclasses.dataclass(frozen=True)
class RowAttack:
    """An attack on a row.

    Attributes:
        kind: What the attack is, see `components.attacker.AttackConfig`.
        label: `"target"`, or `"hidden"` for every hidden column.
        mates: Who is mixed with whom, one of `datamix_tf.mates.MATES`.
        shuffle: Whether mixtures are permuted across groups.
    """

    kind: str
    label: str = HIDDEN
    mates: str = "any"
    shuffle: bool = False


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of a comparison.

    Attributes:
        method: One of `components.training.methods.METHODS`.
        level: Variance of noise, size that blurring leaves, width of the anonymizer (0: the options' first).
        num_pre_blocks: N_pre, for DataMix and for signal content.
        group_size: S_G, for DataMix.
        attacks: The `RowAttack`s.
        paper: Column name -> the paper's figure.
        signal_rank: Coefficients for each place, for signal content.
        bottleneck_units: Numbers that a bottleneck sends.
        bottleneck_bits: Upper bound of the information in them.
    """

    method: str
    level: float = 0.0
    num_pre_blocks: int = 1
    group_size: int = 8
    attacks: tuple[RowAttack, ...] = ()
    paper: dict[str, float | str] = dataclasses.field(default_factory=dict)
    signal_rank: int = 0
    bottleneck_units: int = 0
    bottleneck_bits: float = 0.0

    @property
    def model(self) -> str:
        """The method of the model behind it: one plain model is behind the rows edge and cloud."""
        behind = {"edge": "plain", "cloud": "plain", "obfuscated_datamix": "datamix", "bottleneck": "datamix"}
        return behind.get(self.method, self.method)


def rows_of(options) -> list[Row]:
    """The rows that the options of an ordinary run ask for."""
    attacks = tuple(
        RowAttack(kind, label)
        for kind in options.attacks
        for label in ((TARGET,) if kind in ("reconstruction", "key") else (TARGET, HIDDEN))
    )
    attacks = attacks if options.attack_epochs else ()
    levels = {"noise": options.noise, "blur": options.blur, "anonymizer": options.anonymizer}
    rows = []
    for method in options.methods:
        if method == "datamix":
            rows += [Row(method, 0.0, blocks, options.group_size, attacks) for blocks in options.num_pre_blocks]
        elif method == "bottleneck":
            rows += [
                Row(method, 0.0, 0, options.group_size, attacks, bottleneck_units=units, bottleneck_bits=bits)
                for units in options.bottleneck_units
                for bits in options.bottleneck_bits
            ]
        elif "signal_rank" in VARIANTS[method]:
            ranks = options.signal_rank
            rows += [Row(method, 0.0, STRIDED, options.group_size, attacks, signal_rank=rank) for rank in ranks]
        elif method == "edge_half":
            rows.append(Row(method))
        else:
            rows += [Row(method, level, attacks=attacks) for level in levels.get(method, (0.0,))]
    return rows
