"""Pictures for the report: what was put in, what the cloud receives, what an attacker makes of it."""

from __future__ import annotations

import io

import numpy as np

from components.records.metrics import Metrics
from components.storage import files
from components.storage.artifacts import Artifact, AttackScores, Examples, Models
from components.storage.local_copies import local_copy
from components.training import models as trained
from components.training.splits import Split

PICTURES = 8
SCALE = 2


def defence_strips(
    examples: Examples, models: Models, scores: AttackScores, metrics: Metrics
) -> list[tuple[str, bytes]]:
    """Of every method, what the cloud receives and, where a reconstruction ran, what it rebuilt (figures 2 and 6).

    Returns:
        Pairs of a caption and a PNG of the first test examples; none for speech or if there is nothing to compare.
    """
    from datamix_tf.transmission import group_size_of, transmitted

    if metrics.dataset.kind != "image" or len(metrics.summary) < 3:
        return []
    schema = examples.schema()
    strips = [("raw input", picture_row(_group(PICTURES, examples), schema.shape[:2]))]
    for entry in metrics.summary:
        if entry.defence.leakage is not None:  # by construction: nothing is sent, or the raw input
            continue
        model = trained.load(models, entry.models[0])
        x = _group(max(PICTURES, group_size_of(model)), examples)
        sent = np.asarray(transmitted(model, seed=0)(x, training=False))
        strips.append((f"{entry.label}: sent", picture_row(_in_raw_units(sent, schema), schema.shape[:2])))
        pictures = rebuilt(scores, entry.models[0], "reconstruction")
        if pictures is not None:
            strips.append((f"{entry.label}: rebuilt", picture_row(pictures, schema.shape[:2])))
    return strips


def rebuilt(scores: Artifact, model: str, attack: str):
    """Pictures that an attack made of the first test examples, `[n, height, width, channels]` in raw units, or `None`.

    Args:
        scores: What an `Attacker` wrote.
        model: Name of the attacked model.
        attack: Id of the attack.
    """
    path = scores.path(model, attack, "rebuilt.npy")
    return np.load(local_copy(path)) if files.exists(path) else None


def picture_row(images, size) -> bytes:
    """The first pictures side by side as a PNG; feature maps are shown as the mean of their channels.

    Args:
        images: `[n, rows, columns, channels]`, in raw units (0 to 255) if there are 3 channels.
        size: Height and width to show them at, before scaling up.
    """
    from PIL import Image

    images, height, width = images[:PICTURES], size[0] * SCALE, size[1] * SCALE
    if images.shape[-1] != 3:
        images = images.mean(-1, keepdims=True).repeat(3, -1)
        low, high = images.min(), images.max()
        images = 255 * (images - low) / (high - low + 1e-9)
    tiles = [
        Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
        for image in images
    ]
    canvas = Image.new("RGB", (len(tiles) * (width + 4), height), "white")
    for index, tile in enumerate(tiles):
        canvas.paste(tile, (index * (width + 4), 0))
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return buffer.getvalue()


def stacked(rows) -> bytes:
    """PNGs of one width on top of each other, as one PNG."""
    from PIL import Image

    pictures = [Image.open(io.BytesIO(row)) for row in rows]
    canvas = Image.new("RGB", (pictures[0].width, sum(picture.height for picture in pictures)), "white")
    top = 0
    for picture in pictures:
        canvas.paste(picture, (0, top))
        top += picture.height
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return buffer.getvalue()


def _group(size, examples):
    x = Split(examples, "test").x
    return x[np.arange(size) % len(x)].astype("float32")


def _in_raw_units(sent, schema):
    """Pictures that were sent standardised, as pictures again; feature maps as they are."""
    if sent.shape[-1] != 3:
        return sent
    return sent * np.sqrt(schema.variance) + schema.mean
