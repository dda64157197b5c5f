"""What tells the variants of a method apart."""

from __future__ import annotations

import dataclasses

from datamix_tf.settings import above, at_least, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class DefenceOptions:
    """The levels of each method that are compared."""

    GROUP = "models"

    noise: tuple[float, ...] = setting(
        (4.0, 8.0), "variances of the method noise, on standardised inputs, with commas", **at_least(0)
    )
    blur: tuple[int, ...] = setting((16, 8), "rows and columns that the method blur leaves, with commas", **at_least(1))
    anonymizer: tuple[int, ...] = setting(
        (64,), "widths of the method anonymizer's generator, with commas", **at_least(1)
    )
    signal_rank: tuple[int, ...] = setting(
        (32,),
        "coefficients for each place that obfuscation and obfuscated_datamix send (N_pre = 3), with commas",
        **at_least(1),
    )
    bottleneck_units: tuple[int, ...] = setting((64,), "numbers that bottleneck sends, with commas", **at_least(1))
    bottleneck_bits: tuple[float, ...] = setting(
        (90.0,), "upper bounds of the information in what bottleneck sends for an input, with commas", **above(0)
    )
    group_size: int = setting(8, "inputs mixed with each other (S_G), from 1", **at_least(1))
    num_pre_blocks: tuple[int, ...] = setting(
        (1,),
        "blocks on the edge (N_pre): 1, 2, 3, 0 to mix raw inputs, or several with commas; the first is packaged",
        choices=(0, 1, 2, 3),
    )
