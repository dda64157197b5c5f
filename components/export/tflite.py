"""The edge halves as TFLite, with mixing and de-mixing inside and the key as an input tensor."""

from __future__ import annotations

import os
import tempfile

import numpy as np

from serving.edge import manifest
from serving.protocol import quiet

PRECISIONS = ("float32", "float16", "int8")


def convert_halves(model, folder: str) -> dict[str, tuple[str, str]]:
    """Writes the halves of a `DataMixModel` to `folder`, in float32 and with weights in float16 and int8.

    - `pre.tflite`, signature `mix`: `x [S_G, ...]`, `key [S_G, S_G]` -> `mixtures [S_G, ...]`, all float32;
    - `post.tflite`, signature `demix`: `y [S_G, ...]`, `key [S_G, S_G]` -> `outputs [S_G, classes]` (logits);
    - `pre.float16.tflite` and so on: the same signatures. Inputs, outputs, keys and mixing stay float32, because a
      rounded key is
      not orthogonal.

    If the model subtracts the cloud's constant, `post.tflite` holds it: a client that lets it de-mix need not know it.
    Ours de-mixes itself and reads it from a file (`write_constant`).

    Returns:
        Precision -> file names of the halves.
    """
    import tensorflow as tf

    size = model.group_size
    key = tf.TensorSpec((size, size), tf.float32, name="key")
    constant = _zero_answer(model)

    def mix(x, key):
        return {"mixtures": model.mix(model.pre(x, training=False), key[None])}

    def demix(y, key):
        return {"outputs": model.post(model.demix(y, key[None], constant), training=False)}

    x = tf.TensorSpec((size, *model.pre.input_shape[1:]), tf.float32, name="x")
    y = tf.TensorSpec((size, *model.main.output_shape[1:]), tf.float32, name="y")
    pre = _convert(model.pre, mix, [x, key], manifest.MIX)
    post = _convert(model.post, demix, [y, key], manifest.DEMIX)
    return _written(folder, (manifest.PRE, manifest.POST), (pre, post))


def write_constant(model, folder: str) -> str:
    """Writes the cloud's answer to zero for clients that de-mix themselves; the file's name, empty if there is none."""
    constant = _zero_answer(model)
    if constant is None:
        return ""
    with open(os.path.join(folder, manifest.CONSTANT), "wb") as file:
        file.write(constant.astype("<f4").tobytes())
    return manifest.CONSTANT


def convert_ends(model, folder: str) -> dict[str, tuple[str, str]]:
    """Writes M_pre and M_post of a `DataMixModel` without mixing to `folder`, for clients that draw their covers.

    - `encode.tflite`, signature `encode`: `x [1, ...]` -> `codes [1, ...]`;
    - `finish.tflite`, signature `finish`: `y [1, ...]` -> `outputs [1, classes]` (logits);
    - `encode.float16.tflite` and so on, as of `convert_halves`.

    Returns:
        Precision -> file names.
    """
    import tensorflow as tf

    x = tf.TensorSpec((1, *model.pre.input_shape[1:]), tf.float32, name="x")
    y = tf.TensorSpec((1, *model.main.output_shape[1:]), tf.float32, name="y")
    encode = _convert(model.pre, lambda x: {"codes": model.pre(x, training=False)}, [x], manifest.ENCODE)
    finish = _convert(model.post, lambda y: {"outputs": model.post(y, training=False)}, [y], manifest.FINISH)
    return _written(folder, (manifest.ENCODER, manifest.FINISHER), (encode, finish))


def _written(folder, names, pair):
    """Writes both parts in every precision; precision -> file names."""
    written = {}
    for precision in PRECISIONS:
        first, second = (half_file(name, precision) for name in names)
        written[precision] = first, second
        for name, contents in zip(written[precision], pair, strict=True):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(contents[precision])
    return written


def _zero_answer(model):
    """The cloud's answer to zero as an array, `[1, ...]`, so that M_main is not part of the edge's half; or `None`."""
    if not model.subtract_constant:
        return None
    return np.asarray(model.zero_answer(np.zeros((1, *model.main.input_shape[1:]), "float32")), "float32")


def convert_model(model, batch_size: int, path: str) -> None:
    """Writes a whole Keras model in float32, for comparison: signature `run`, `x [batch_size, ...]` -> `outputs`."""
    import tensorflow as tf

    x = tf.TensorSpec((batch_size, *model.input_shape[1:]), tf.float32, name="x")
    contents = _convert(model, lambda x: {"outputs": model(x, training=False)}, [x], "run", ("float32",))
    with open(path, "wb") as file:
        file.write(contents["float32"])


def half_file(name: str, precision: str) -> str:
    """The file name of a half (`manifest.PRE` or `POST`) in a precision."""
    return name if precision == "float32" else name.replace(".tflite", f".{precision}.tflite")


def _convert(tracked, function, signature, name, precisions=PRECISIONS):
    """The contents of the TFLite files of one half, by precision."""
    import tensorflow as tf
    from keras.export import ExportArchive

    archive = ExportArchive()
    archive.track(tracked)
    archive.add_endpoint(name, function, input_signature=signature)
    contents = {}
    with tempfile.TemporaryDirectory() as temporary:
        archive.write_out(temporary, verbose=False)
        for precision in precisions:
            converter = tf.lite.TFLiteConverter.from_saved_model(temporary, signature_keys=[name])
            if precision != "float32":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if precision == "float16":
                converter.target_spec.supported_types = [tf.float16]
            contents[precision] = converter.convert()
    return contents


def run_signature(path: str, name: str, **inputs):
    """Runs one signature of a TFLite file with LiteRT and returns its only output as an array."""
    from ai_edge_litert.interpreter import Interpreter

    with quiet.startup_dropped():
        runner = Interpreter(model_path=path).get_signature_runner(name)
    (output,) = runner(**inputs).values()
    return output
