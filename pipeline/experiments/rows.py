"""What a run compares: rows of a table, each a method with its attacks."""

from __future__ import annotations

import dataclasses

from datamix_tf.attacks.catalogue import get_attack
from datamix_tf.defences import DataMix, Defence, EdgeHead, LinearCloud, get

TARGET, HIDDEN, FIRST_HIDDEN = "target", "hidden", "first_hidden"


@dataclasses.dataclass(frozen=True)
class RowAttack:
    """An attack on a row.

    Attributes:
        attack: Id of the attack (`datamix_tf.attacks.registry`).
        label: `"target"`, `"hidden"` for every hidden column, or `"first_hidden"` for the first.
        mates: Who is mixed with whom, one of `datamix_tf.mates.MATES`.
        shuffle: Whether mixtures are permuted across groups.
    """

    attack: str
    label: str = HIDDEN
    mates: str = "any"
    shuffle: bool = False


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of a comparison.

    Attributes:
        defence: The `Defence`; or its class, for the first variant that the options ask for.
        attacks: The `RowAttack`s.
        paper: Column name -> the paper's figure.
    """

    defence: Defence | type[Defence]
    attacks: tuple[RowAttack, ...] = ()
    paper: dict[str, float | str] = dataclasses.field(default_factory=dict)

    def resolved(self, options) -> Row:
        """The row with a defence whose settings are known."""
        if isinstance(self.defence, Defence):
            return self
        return dataclasses.replace(self, defence=self.defence.variants(options)[0])


def papers(num_pre_blocks: int, group_size: int) -> DataMix:
    """DataMix as the papers have it: without a linear path."""
    return DataMix(num_pre_blocks, group_size, linear_path=False)


def ours(attacks: tuple[RowAttack, ...], blocks: tuple[int, ...] = (1, 2, 3), group_size: int = 8) -> tuple[Row, ...]:
    """What stands beside the papers' rows: a linear path, the linear path alone, and no cloud at all."""
    return tuple(
        row
        for number in blocks
        for row in (
            Row(DataMix(number, group_size), attacks),
            Row(LinearCloud(number, group_size)),
            *(Row(EdgeHead(number, units)) for units in EdgeHead.UNITS),
        )
    )


def rows_of(options) -> list[Row]:
    """The rows that the options of an ordinary run ask for."""
    attacks = tuple(
        RowAttack(attack, label)
        for attack in options.attacks
        for label in ((TARGET, HIDDEN) if get_attack(attack).labels else (TARGET,))
    )
    attacks = attacks if options.attack_epochs else ()
    return [
        Row(defence, attacks if defence.attacked else ())
        for method in options.methods
        for defence in get(method).variants(options)
    ]
