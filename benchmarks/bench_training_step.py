"""A mixing-aware training step against the plain training step of the same backbone and batch.

    python benchmarks/bench_training_step.py [--rounds 20] [--group_size 8]

Both models take steps in turn on the same batch, so that a drifting machine speed meets both alike. Prints one
JSON line for each N_pre: the median over rounds of the ratio mixed / plain, with its quartiles.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

STEPS_PER_ROUND = 3


def build(num_pre_blocks, group_size):
    """A compiled plain ResNet-18 (`None`) or the same network trained through the mixing."""
    import keras

    from datamix_tf import DataMixModel, split
    from datamix_tf.models.resnet import CLASSIFIER, pre_layer, resnet18

    model = resnet18((64, 64, 3), 40)
    if num_pre_blocks:
        parts = split(model, after=pre_layer(num_pre_blocks), before=CLASSIFIER)
        model = DataMixModel(*parts, group_size=group_size)
    model.compile(keras.optimizers.AdamW(1e-3), keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=False)
    return model


def seconds(model, x, y):
    started = time.perf_counter()
    for _ in range(STEPS_PER_ROUND):
        model.train_on_batch(x, y)
    return (time.perf_counter() - started) / STEPS_PER_ROUND


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="rounds of alternating measurements")
    parser.add_argument("--group_size", type=int, default=8, help="S_G")
    parser.add_argument("--batch_size", type=int, default=64, help="examples in a batch")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(arguments.batch_size, 64, 64, 3)).astype("float32")
    y = rng.integers(0, 2, (arguments.batch_size, 40)).astype("float32")
    models = {blocks: build(blocks, arguments.group_size) for blocks in (None, 1, 2, 3)}
    for model in models.values():
        seconds(model, x, y)  # traces the graphs
    times = {blocks: [] for blocks in models}
    for _ in range(arguments.rounds):
        for blocks, model in models.items():
            times[blocks].append(seconds(model, x, y))
    plain = np.array(times.pop(None))
    for blocks, mixed in times.items():
        low, median, high = np.percentile(np.array(mixed) / plain, [25, 50, 75])
        figure = {
            "benchmark": "training step, mixed / plain",
            "num_pre_blocks": blocks,
            "group_size": arguments.group_size,
            "batch_size": arguments.batch_size,
            "ratio": round(median, 3),
            "quartiles": [round(low, 3), round(high, 3)],
            "rounds": arguments.rounds,
            "plain_ms": round(1000 * float(np.median(plain)), 1),
        }
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
