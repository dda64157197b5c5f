"""Mixing and de-mixing against a copy of the same bytes, and against an einsum as one would write it first.

    python -m benchmarks.bench_mixing [--rounds 30] [--group_size 8]

One group's features are mixed and its answers de-mixed, with the sizes of ResNet-18 at N_pre = 1: by NumPy, by the
Keras layers (compiled by TensorFlow) and by LiteRT, each on one thread. The copy is NumPy's, of the features and the
answers into memory that is there already. Beside the ratios stands that of a product at the speed that a large one
reaches on this core ("floor"): a mixture costs S_G multiply-adds for each value, and no program can be faster than
that.
"""

from __future__ import annotations

import argparse
import os

os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np

from benchmarks.figures import in_turns, milliseconds, show

ANSWERS = 512
SIZES = {"64x64": (16, 16, 64), "178x218": (55, 45, 64)}  # features after the stem
TARGET = "<= 2"


def numpy_ways(x, y, key):
    """Copy, product and einsum, each of features and answers, into memory that is there already."""
    features, answers = np.empty_like(x), np.empty_like(y)
    flat_x, flat_features = x.reshape(len(x), -1), features.reshape(len(x), -1)

    def copy():
        np.copyto(features, x)
        np.copyto(answers, y)

    def product():
        np.matmul(key, flat_x, out=flat_features)
        np.matmul(key.T, y, out=answers)

    def einsum():
        np.einsum("ki,i...->k...", key, x)
        np.einsum("ki,k...->i...", key, y)

    return {"copy": copy, "NumPy": product, "NumPy einsum": einsum}


def keras_ways(x, y, key):
    """The layers and an einsum, as TensorFlow compiles them."""
    import tensorflow as tf

    from datamix_tf.layers import DeMix, Mix

    mix, demix = Mix(), DeMix()
    x, y, key = map(tf.constant, (x, y, key))
    layers = tf.function(lambda x, y, key: (mix(x, key[None]), demix(y, key[None])))
    einsum = tf.function(lambda x, y, key: (tf.einsum("ki,i...->k...", key, x), tf.einsum("ki,k...->i...", key, y)))
    return {"Keras layers": lambda: layers(x, y, key), "TensorFlow einsum": lambda: einsum(x, y, key)}


def lite_ways(x, y, key):
    """The layers as LiteRT runs them."""
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    from datamix_tf.layers import DeMix, Mix

    def interpreter(layer, values):
        signature = [tf.TensorSpec(values.shape), tf.TensorSpec(key.shape)]
        function = tf.function(lambda rows, key: layer(rows, key[None]), input_signature=signature)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
        made = Interpreter(model_content=converter.convert(), num_threads=1)
        made.allocate_tensors()
        places = {tuple(detail["shape"]): detail["index"] for detail in made.get_input_details()}
        made.set_tensor(places[values.shape], values)
        made.set_tensor(places[key.shape], key)
        return made

    mix, demix = interpreter(Mix(), x), interpreter(DeMix(), y)
    return {"LiteRT": lambda: (mix.invoke(), demix.invoke())}


def flops_per_second():
    """What one core reaches in a large product."""
    a = np.random.default_rng(0).normal(size=(1024, 1024)).astype("float32")
    return 2 * 1024**3 / in_turns({"product": lambda: a @ a}, 5)["product"].min()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="rounds of alternating measurements")
    parser.add_argument("--group_size", type=int, default=8, help="S_G")
    arguments = parser.parse_args()
    rng, size = np.random.default_rng(0), arguments.group_size
    key = np.linalg.qr(rng.normal(size=(size, size)))[0].astype("float32")
    speed = flops_per_second()
    for name, shape in SIZES.items():
        x = rng.normal(size=(size, *shape)).astype("float32")
        y = rng.normal(size=(size, ANSWERS)).astype("float32")
        times = in_turns(numpy_ways(x, y, key) | keras_ways(x, y, key) | lite_ways(x, y, key), arguments.rounds)
        floor = 2 * size * (x.size + y.size) / speed
        details = {"input": name, "group_size": size, "megabytes": round((x.nbytes + y.nbytes) / 1e6, 2)}
        details |= {"copy_ms": milliseconds(times["copy"]), "floor": round(float(np.median(floor / times["copy"])), 2)}
        for way in ("NumPy", "Keras layers", "LiteRT"):
            show(f"mix and de-mix ({way}) / copy of the same bytes", times[way] / times["copy"], TARGET, **details)
        show("mix and de-mix (NumPy) / einsum", times["NumPy"] / times["NumPy einsum"], **details)
        show("mix and de-mix (Keras layers) / einsum", times["Keras layers"] / times["TensorFlow einsum"], **details)


if __name__ == "__main__":
    main()
