"""`--model`: a user's own Keras model in a run, and the table of its cuts."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from components.errors import InputError
from components.records.cuts import Cut, CutTable, Reading
from components.training.own_model import DEFAULT_SIZE, OwnModel, import_model
from datamix_tf.models.backbones import UNIT
from pipeline.options.data_options import LARGEST, SMALLEST

HEADINGS = ("cut behind", "edge MACs", "edge params", "bytes up", "feature")


def folder_of(output: str) -> str:
    """Where a run keeps the model, under a name that follows from its content."""
    return os.path.join(output, "artifacts", "network")


def brought(options: Any, kind: str, folder: str) -> tuple[OwnModel, Any]:
    """The model that `--model` names, copied into a folder, and the options with the size of pictures that it takes.

    Args:
        options: `RunOptions` with a model.
        kind: Of the data: `"image"` or `"audio"`.
        folder: Path or URL.

    Raises:
        InputError: If the model cannot be used, or not on such data.
    """
    if kind != "image" and options.model_inputs == UNIT:
        raise InputError(
            "--model_inputs unit is for pictures; a spectrogram has no largest value: take raw or standardized"
        )
    network = import_model(
        options.model,
        folder,
        weights=options.model_weights,
        size=options.image_size,
        seed=options.seed,
        modules=options.plugin,
    )
    network = dataclasses.replace(
        network, cuts=options.split_after, before=options.split_before or "", values=options.model_inputs
    )
    size = tuple(own or default for own, default in zip(network.shape[:2], DEFAULT_SIZE, strict=True))
    if not options.image_size and not all(SMALLEST <= side <= LARGEST for side in size):
        raise InputError(
            f"--model {options.model} takes {size[0]}x{size[1]}; give --image_size, to which pictures are brought first"
        )
    return network, dataclasses.replace(options, image_size=options.image_size or size)


def table(found: CutTable) -> str:
    """The cuts of a model as Markdown, with what was changed in it and which cut was taken."""
    columns = sorted({column for cut in found.cuts for column in cut.hidden})
    probed = any(cut.target for cut in found.cuts)
    headings = (*HEADINGS, *(("target", *columns) if probed else ()), "")
    rows = [headings, ("---",) * len(headings)]
    rows += [
        (*_costs(cut, found), *(_readings(cut, columns) if probed else ()), _remark(cut, found)) for cut in found.cuts
    ]
    lines = [
        f"Cuts of {found.model}: {found.macs:,} multiply-adds, {found.params:,} parameters.",
        *(f"- {note}" for note in found.notes),
        "",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    if probed:
        lines += ["", _told(found)]
    return "\n".join(lines)


def _told(found):
    n = next(cut.target.n for cut in found.cuts if cut.target)
    text = (
        f"Readings are those of a linear probe on the frozen features, before mixing and before any training: gain "
        f"over chance, as a share of what there is to gain ({found.examples} train examples, scored on {n} others)."
    )
    if found.proposed:
        return (
            f"{text} The run cuts behind {found.chosen[0]!r}: of these the target less the worst hidden column is best."
        )
    return text


def _costs(cut: Cut, found: CutTable):
    share = f"{cut.macs:,} ({100 * cut.macs / max(found.macs, 1):.0f} %)"
    return (cut.after, share, f"{cut.params:,}", f"{cut.bytes_up:,}", "x".join(map(str, cut.shape)))


def _readings(cut: Cut, columns):
    return (_reading(cut.target), *(_reading(cut.hidden.get(column)) for column in columns))


def _reading(reading: Reading | None):
    return "" if reading is None else f"{100 * reading.gain:.0f} %"


def _remark(cut: Cut, found: CutTable):
    if cut.after in found.chosen:
        number = f"N_pre = {found.chosen.index(cut.after) + 1}"
        return f"**{'proposed' if found.proposed else 'chosen'}**, {number}"
    return cut.refused
