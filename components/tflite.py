"""The edge halves as TFLite, with mixing and de-mixing inside and the key as an input tensor."""

from __future__ import annotations

import os
import tempfile

from serving.edge import manifest


def convert_halves(model, folder: str) -> None:
    """Writes `pre.tflite` and `post.tflite` of a `DataMixModel` to `folder`.

    - `pre.tflite`, signature `mix`: `x [S_G, ...]`, `key [S_G, S_G]` -> `mixtures [S_G, ...]`, all float32;
    - `post.tflite`, signature `demix`: `y [S_G, ...]`, `key [S_G, S_G]` -> `outputs [S_G, classes]` (logits).
    """
    import tensorflow as tf

    size = model.group_size
    key = tf.TensorSpec((size, size), tf.float32, name="key")

    def mix(x, key):
        return {"mixtures": model.mix(model.pre(x, training=False), key[None])}

    def demix(y, key):
        return {"outputs": model.post(model.demix(y, key[None]), training=False)}

    x = tf.TensorSpec((size, *model.pre.input_shape[1:]), tf.float32, name="x")
    y = tf.TensorSpec((size, *model.main.output_shape[1:]), tf.float32, name="y")
    _convert(model.pre, mix, [x, key], manifest.MIX, os.path.join(folder, manifest.PRE))
    _convert(model.post, demix, [y, key], manifest.DEMIX, os.path.join(folder, manifest.POST))


def _convert(tracked, function, signature, name, path):
    import tensorflow as tf
    from keras.export import ExportArchive

    archive = ExportArchive()
    archive.track(tracked)
    archive.add_endpoint(name, function, input_signature=signature)
    with tempfile.TemporaryDirectory() as temporary:
        archive.write_out(temporary, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(temporary, signature_keys=[name])
        content = converter.convert()
    with open(path, "wb") as file:
        file.write(content)


def run_signature(path: str, name: str, **inputs):
    """Runs one signature of a TFLite file with LiteRT and returns its only output as an array."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=path).get_signature_runner(name)
    (output,) = runner(**inputs).values()
    return output
