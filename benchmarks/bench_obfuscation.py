"""Computing signal coefficients on the edge against the server's first layer: measured time and multiply-adds.

    python -m benchmarks.bench_obfuscation [--size 50] [--rounds 15]

For every split layer of the six-layer network, all coefficients (m' = m) and a quarter of them, on LiteRT, one input at
a time, each against the server's first linear layer alone; runs alternate. Prints one JSON line for each: the ratio of
times, that of multiply-adds (m'/m for receptive fields), and the values sent relative to the feature (m'/n for a dense
layer).
"""

from __future__ import annotations

import argparse
import os
import tempfile

import numpy as np

from benchmarks.figures import in_turns, short, show


def runner(model, folder, name):
    """A function that runs a Keras model on LiteRT for one random input."""
    from ai_edge_litert.interpreter import Interpreter

    from components.export.tflite import convert_model

    path = os.path.join(folder, f"{name}.tflite")
    convert_model(model, 1, path)
    run = Interpreter(model_path=path, num_threads=1).get_signature_runner("run")
    x = np.random.default_rng(0).normal(size=(1, *model.input_shape[1:])).astype("float32")
    return lambda: run(x=x)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=50, help="rows and columns of the pictures")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of both")
    arguments = parser.parse_args()
    import keras

    from datamix_tf.costs import count_macs
    from datamix_tf.models import splitnet
    from datamix_tf.models.splitnet import NUM_LAYERS, sent
    from datamix_tf.obfuscation.signal import obfuscate

    network = splitnet((arguments.size, arguments.size, 3), 2)
    with tempfile.TemporaryDirectory() as folder:
        for split_layer in range(1, NUM_LAYERS + 1):
            tensor = sent(network, split_layer)
            _, front = obfuscate(network, tensor)
            feature = keras.Input(tensor.shape[1:])
            first = keras.Model(feature, front.layers[0](feature))
            baseline = runner(first, folder, f"first{split_layer}")
            rank = front.decompose()[0].shape[1]
            for kept in dict.fromkeys((rank, max(1, rank // 4))):
                content = obfuscate(network, tensor, kept)[0].get_layer("signal_content")
                coefficients = keras.Model(feature, type(content).from_config(content.get_config())(feature))
                run = runner(coefficients, folder, f"content{split_layer}-{kept}")
                times = in_turns({"coefficients": run, "first layer": baseline}, arguments.rounds)
                show(
                    "signal coefficients / the server's first layer (LiteRT)",
                    times["coefficients"] / times["first layer"],
                    split_layer=split_layer,
                    kept=kept,
                    rank=front.matrix().shape[0],
                    multiply_adds=short(count_macs(coefficients) / count_macs(first)),
                    sent_values=short(np.prod(coefficients.output_shape[1:]) / np.prod(tensor.shape[1:])),
                )


if __name__ == "__main__":
    main()
