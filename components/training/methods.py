"""What methods there are, which settings tell their variants apart, and what they are called."""

from __future__ import annotations

#: Method -> the settings that tell its variants apart, in the order of the papers' tables.
VARIANTS = {
    "edge": (),
    "cloud": (),
    "edge_half": (),
    "noise": ("variance",),
    "blur": ("size",),
    "anonymizer": ("generator_width",),
    "mixup": (),
    "obfuscation": ("num_pre_blocks", "signal_rank"),
    "datamix": ("num_pre_blocks", "group_size"),
    "obfuscated_datamix": ("num_pre_blocks", "group_size", "signal_rank"),
    "bottleneck": ("group_size", "bottleneck_units", "bottleneck_bits"),
}
METHODS = tuple(VARIANTS)
#: Methods that send nothing.
SENDING_NOTHING = ("edge", "edge_half")
#: Methods that mix features.
MIXING = ("datamix", "obfuscated_datamix", "bottleneck")
#: Methods that obfuscate the raw input -> what the level of their `ModelConfig` is.
LEVELS = {"noise": "variance", "blur": "size", "anonymizer": "generator_width"}


def variant(row) -> dict:
    """The settings that tell a row of `metrics.json` from others of its method."""
    return {key: row["settings"][key] for key in VARIANTS[row["method"]]}


def entry_key(entry) -> str:
    """What a method is called in tables, from an entry of the summary."""
    names = {
        "edge": "all on the edge",
        "cloud": "all in the cloud",
        "edge_half": "the bottleneck's edge alone",
        "noise": "adding noise N(0, {variance:g})",
        "blur": "blurring to {size:g} x {size:g}",
        "anonymizer": "face anonymizer, width {generator_width:g}",
        "mixup": "mixup, raw inputs in pairs",
        "obfuscation": "signal content of rank {signal_rank}, N_pre={num_pre_blocks}",
        "datamix": "DataMix, N_pre={num_pre_blocks}, S_G={group_size}",
        "bottleneck": "mixed bottleneck of {bottleneck_units} numbers, {bottleneck_bits:g} bits, S_G={group_size}",
        "obfuscated_datamix": "DataMix, N_pre={num_pre_blocks}, S_G={group_size}, signal content of rank {signal_rank}",
    }
    return names[entry["method"]].format(**entry)


def row_key(row) -> str:
    """What the method of a row of `metrics.json` is called."""
    return entry_key({"method": row["method"], **variant(row)})


def members_of(entry, rows) -> list[dict]:
    """The rows, one for each seed, behind an entry of the summary."""
    wanted = {key: entry[key] for key in VARIANTS[entry["method"]]}
    return [row for row in rows if row["method"] == entry["method"] and variant(row) == wanted]
