"""A model that runs on the edge as a whole, as it is deployed: one TFLite file with its manifest."""

from __future__ import annotations

import os

from components.export.tflite import convert_model
from serving.edge import edge_only, manifest


def write_edge_only(model, folder: str, *, task: str, labels, preprocessing) -> edge_only.EdgeOnlyManifest:
    """Writes the edge-only bundle: `model.tflite` and `manifest.json`.

    `model.tflite` has the signature `run`: `x [1, ...]` -> `outputs [1, classes]` (logits), both float32.

    Args:
        model: A Keras model of one input; its output is logits, `[batch, classes]`.
        folder: Folder of the bundle; the model and the manifest in it are replaced.
        task: `"binary"` (logits of independent labels) or `"categorical"` (of classes).
        labels: Names of the logits.
        preprocessing: How a file becomes an input, of `serving.edge.preprocess`, as `to_config` describes it.

    Returns:
        The manifest.

    Raises:
        ValueError: If the model has not one input, or not one logit for each label.
    """
    labels = tuple(labels)
    if len(model.inputs) != 1:
        raise ValueError(f"expected a model of one input, received one of {len(model.inputs)}")
    if model.output_shape[1:] != (len(labels),):
        raise ValueError(
            f"expected one label for each logit, received {len(labels)} labels for logits of shape "
            f"{model.output_shape[1:]}; give as many labels as the model has outputs"
        )
    os.makedirs(folder, exist_ok=True)
    convert_model(model, 1, os.path.join(folder, edge_only.FILE))
    described = edge_only.EdgeOnlyManifest(
        input_shape=tuple(model.input_shape[1:]),
        task=task,
        labels=labels,
        preprocessing=preprocessing,
        files={edge_only.FILE: manifest.hash_files(folder)[edge_only.FILE]},
    )
    with open(os.path.join(folder, manifest.FILE), "w", encoding="utf-8") as file:
        file.write(described.to_json())
    return described
