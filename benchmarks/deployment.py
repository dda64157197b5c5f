"""Networks as the embedded server and the edge client take them, for the benchmarks."""

from __future__ import annotations

import base64
import json
import os

import numpy as np

from benchmarks.serving_process import server_process

PLAIN = "plain"


def deploy_private(model, folder: str, labels: tuple[str, ...], name: str = "datamix") -> str:
    """Exports a `DataMixModel`: M_main to `folder/serving/NAME/1`, the rest to `folder/edge/NAME`.

    Args:
        model: The model; inputs are pictures.
        folder: Where to write.
        labels: Names of the outputs.
        name: Name that the cloud serves it under.

    Returns:
        The bundle's folder, for `EdgeClient`.
    """
    from components.export.tflite import convert_halves, write_constant
    from datamix_tf import DataMixModel
    from datamix_tf.layers import without_noise
    from serving.cloud import saved_model
    from serving.edge import manifest, preprocess

    pre, noise = without_noise(model.pre)  # The client adds it.
    quiet = DataMixModel(
        pre, model.main, model.post, group_size=model.group_size, subtract_constant=model.subtract_constant
    )
    cloud, edge = os.path.join(base_path(folder), name, "1"), os.path.join(folder, "edge", name)
    fingerprint = saved_model.export_main(model.main, cloud)
    os.makedirs(edge)
    described = manifest.Manifest(
        model_name=name,
        model_version=1,
        fingerprint=fingerprint,
        signature=saved_model.SERVING_DEFAULT,
        packed_signature=saved_model.PACKED,
        input_name=saved_model.INPUT,
        output_name=saved_model.OUTPUT,
        group_size=model.group_size,
        input_shape=tuple(model.pre.input_shape[1:]),
        feature_shape=tuple(model.pre.output_shape[1:]),
        answer_shape=tuple(model.main.output_shape[1:]),
        task="categorical",
        labels=labels,
        preprocessing=preprocess.to_config(preprocess.ImagePreprocessing(*model.pre.input_shape[1:])),
        noise_stddev=noise,
        halves=convert_halves(quiet, edge),
        constant=write_constant(quiet, edge),
        files=manifest.hash_files(edge),
        cloud_files=manifest.hash_files(cloud),
    )
    with open(os.path.join(edge, manifest.FILE), "w", encoding="utf-8") as file:
        file.write(described.to_json())
    return edge


def deploy_plain(model, folder: str) -> None:
    """Exports a whole network to `folder/serving/plain/1`, with pictures as bytes at its inputs.

    Signatures: `serving_default` takes raw uint8 pixels, `jpeg` a JPEG; both answer with logits.
    """
    import tensorflow as tf
    from keras.export import ExportArchive

    shape = tuple(model.input_shape[1:])

    def raw(picture):
        pixels = tf.reshape(tf.io.decode_raw(picture, tf.uint8), (-1, *shape))
        return {"logits": model(tf.cast(pixels, tf.float32), training=False)}

    def jpeg(picture):
        pixels = tf.map_fn(
            lambda one: tf.io.decode_jpeg(one, shape[-1]), picture, fn_output_signature=tf.TensorSpec(shape, tf.uint8)
        )
        return {"logits": model(tf.cast(pixels, tf.float32), training=False)}

    archive = ExportArchive()
    archive.track(model)
    signature = [tf.TensorSpec((None,), tf.string, name="picture")]
    archive.add_endpoint("serving_default", raw, input_signature=signature)
    archive.add_endpoint("jpeg", jpeg, input_signature=signature)
    archive.write_out(os.path.join(base_path(folder), PLAIN, "1"), verbose=False)


def base_path(folder: str) -> str:
    """Where the server finds what was deployed to `folder`."""
    return os.path.join(folder, "serving")


def cloud_process(folder: str, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()):
    """The embedded server on what was deployed to `folder`: a context manager that gives its REST URL second."""
    return server_process(base_path(folder), "--host", host, prefix=prefix)


def plain_path() -> str:
    """Where messages to the network of `deploy_plain` go."""
    return f"/v1/models/{PLAIN}:predict"


def plain_body(contents: list[bytes], signature: str = "serving_default") -> bytes:
    """A message to it: raw pixels, or JPEGs with `signature="jpeg"`."""
    instances = [{"b64": base64.b64encode(content).decode()} for content in contents]
    return json.dumps({"signature_name": signature, "instances": instances}, separators=(",", ":")).encode()


class PlainCloud:
    """Sends pictures as they are to the network of `deploy_plain`.

    Args:
        url: The server's base URL.

    Attributes:
        bytes_up: Bytes of HTTP bodies sent so far.
        bytes_down: Bytes of HTTP bodies received so far, decompressed.
    """

    def __init__(self, url: str):
        from serving.edge.transport import Transport

        self._transport = Transport(url)
        self.bytes_up = self.bytes_down = 0

    def query(self, pictures: np.ndarray) -> np.ndarray:
        """Logits, float64 `[pictures, classes]`, of uint8 pictures in one message."""
        from serving.edge.transport import Deadline

        body = plain_body([picture.tobytes() for picture in pictures])
        answer = self._transport.post(plain_path(), body, Deadline(60))
        self.bytes_up += len(body)
        self.bytes_down += len(answer)
        return np.array(json.loads(answer)["predictions"])
