"""A split model as it is deployed: the cloud's SavedModel, and the edge's bundle with its manifest."""

from __future__ import annotations

import os

from components.export.tflite import convert_ends, convert_halves, write_constant
from serving.cloud import saved_model
from serving.edge import manifest


def write_bundle(
    model,
    cloud: str,
    edge: str,
    *,
    name: str,
    version: int = 1,
    task: str,
    labels,
    preprocessing,
    gateway_keys: dict[str, str] | None = None,
    attacks=(),
) -> manifest.Manifest:
    """Writes M_main for the cloud, and M_pre and M_post with the manifest for the edge.

    Args:
        model: A `DataMixModel`.
        cloud: Folder of the SavedModel; must not exist or be empty. A server finds it as
            `<base path>/<name>/<version>`; where one may be looking, write elsewhere and `push_saved_model`.
        edge: Folder of the bundle; the halves and the manifest in it are replaced.
        name: Name that the cloud serves the model under.
        version: Version that it serves it as.
        task: `"binary"` (logits of independent labels) or `"categorical"` (of classes).
        labels: Names of the logits.
        preprocessing: How a file becomes an input, of `serving.edge.preprocess`, as `to_config` describes it.
        gateway_keys: Of the Oblivious HTTP gateway in front of the cloud, if it has one, as the manifest has them.
        attacks: What attacks made of the model, `manifest.MeasuredAttack`: its users are told.

    Returns:
        The manifest.

    Raises:
        ValueError: If the model has not one logit for each label.
    """
    labels = tuple(labels)
    if model.post.output_shape[1:] != (len(labels),):
        raise ValueError(
            f"expected one label for each logit, received {len(labels)} labels for logits of shape "
            f"{model.post.output_shape[1:]}; give as many labels as M_post has outputs"
        )
    drawable = covers_may_be_drawn(model)
    model, noise = quiet(model)
    fingerprint = saved_model.export_main(model.main, cloud)
    os.makedirs(edge, exist_ok=True)
    halves = convert_halves(model, edge)
    drawn, constant = convert_ends(model, edge) if drawable else {}, write_constant(model, edge)
    used = {file for pairs in (halves, drawn) for pair in pairs.values() for file in pair} | ({constant} - {""})
    hashes = manifest.hash_files(edge)
    described = manifest.Manifest(
        model_name=name,
        model_version=version,
        fingerprint=fingerprint,
        signature=saved_model.SERVING_DEFAULT,
        packed_signature=saved_model.PACKED,
        input_name=saved_model.INPUT,
        output_name=saved_model.OUTPUT,
        group_size=model.group_size,
        input_shape=tuple(model.pre.input_shape[1:]),
        feature_shape=tuple(model.pre.output_shape[1:]),
        answer_shape=tuple(model.main.output_shape[1:]),
        task=task,
        labels=labels,
        preprocessing=preprocessing,
        noise_stddev=noise,
        halves=halves,
        drawn=drawn,
        gateway_keys=gateway_keys or {},
        constant=constant,
        attacks=tuple(attacks),
        files={file: hashes[file] for file in sorted(used)},
        cloud_files=manifest.hash_files(cloud),
    )
    with open(os.path.join(edge, manifest.FILE), "w", encoding="utf-8") as file:
        file.write(described.to_json())
    return described


def covers_may_be_drawn(model) -> bool:
    """Whether what the edge of a `DataMixModel` sends looks like N(0, I), so that covers need not be collected."""
    from datamix_tf.layers.gaussian_bottleneck import looks_like_noise

    return looks_like_noise(model.pre) and not model.subtract_constant


def quiet(model):
    """A model whose edge half adds no noise, because the client does, from the operating system's generator.

    Args:
        model: A `DataMixModel`.

    Returns:
        `(model, stddev)`: the model with the same weights, and the standard deviation of the noise that it leaves to
        the client; 0 if it added none.
    """
    from datamix_tf import DataMixModel
    from datamix_tf.layers import without_noise

    pre, noise = without_noise(model.pre)
    silent = DataMixModel(
        pre,
        model.main,
        model.post,
        group_size=model.group_size,
        subtract_constant=model.subtract_constant,
        name=model.name,
    )
    return silent, noise
