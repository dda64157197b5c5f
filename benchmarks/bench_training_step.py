"""A mixing-aware training step against the plain one of the same backbone and batch, in Keras and in PyTorch.

    python -m benchmarks.bench_training_step [--rounds 20] [--group_size 8]

ResNet-18 at 64 x 64, AdamW, binary cross-entropy: all models take steps in turn on the same batch. Plain Keras against
plain PyTorch (channels last, eager, as most write it) tells what the framework costs on this machine. PyTorch is left
out, with a line that says so, where it is not installed (pip install 'datamix-tf[bench]').
"""

from __future__ import annotations

import argparse
import os
import sys

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the pipeline does

import numpy as np

from benchmarks.figures import in_turns, milliseconds, show

CLASSES, SIZE = 40, 64
TARGET = "<= 1.05"


def keras_step(x, y, num_pre_blocks=None, group_size=8):
    """A training step of a plain ResNet-18, or of the same network trained through the mixing."""
    import keras

    from datamix_tf import DataMixModel, split
    from datamix_tf.models.resnet import CLASSIFIER, pre_layer, resnet18

    model = resnet18(x.shape[1:], CLASSES)
    if num_pre_blocks:
        parts = split(model, after=pre_layer(num_pre_blocks), before=CLASSIFIER)
        model = DataMixModel(*parts, group_size=group_size)
    model.compile(keras.optimizers.AdamW(1e-3), keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=False)
    return lambda: model.train_on_batch(x, y)


def torch_step(x, y, parameters):
    """A training step of the same network in PyTorch.

    Args:
        x: Float32 `[batch, height, width, 3]`.
        y: Float32 `[batch, classes]`.
        parameters: How many the Keras network trains.
    """
    import torch

    from benchmarks.torch_resnet import resnet18

    torch.manual_seed(0)
    model = resnet18(x.shape[-1], CLASSES).to(memory_format=torch.channels_last).train()
    count = sum(weight.numel() for weight in model.parameters())
    if count != parameters:
        raise ValueError(f"expected the same network in both frameworks, received {count} and {parameters} parameters")
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.004)  # Keras's default
    loss = torch.nn.BCEWithLogitsLoss()
    x = torch.from_numpy(x).permute(0, 3, 1, 2)  # which is channels last in memory
    y = torch.from_numpy(y)

    def step():
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value.item()

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="rounds of alternating measurements")
    parser.add_argument("--group_size", type=int, default=8, help="S_G")
    parser.add_argument("--batch_size", type=int, default=64, help="examples in a batch")
    arguments = parser.parse_args()
    from datamix_tf.models.resnet import resnet18

    rng = np.random.default_rng(0)
    x = rng.normal(size=(arguments.batch_size, SIZE, SIZE, 3)).astype("float32")
    y = rng.integers(0, 2, (arguments.batch_size, CLASSES)).astype("float32")
    ways = {blocks: keras_step(x, y, blocks, arguments.group_size) for blocks in (None, 1, 2, 3)}
    try:
        trained = sum(int(np.prod(weight.shape)) for weight in resnet18(x.shape[1:], CLASSES).trainable_weights)
        ways["PyTorch"] = torch_step(x, y, trained)
    except ModuleNotFoundError as error:
        print(f"PyTorch is left out: {error} (pip install 'datamix-tf[bench]')", file=sys.stderr)
    times = in_turns(ways, arguments.rounds, least_seconds=2)
    details = {"group_size": arguments.group_size, "batch_size": arguments.batch_size}
    details["plain_ms"] = milliseconds(times[None])
    for blocks in (1, 2, 3):
        ratios = times[blocks] / times[None]
        show("training step, mixed / plain Keras", ratios, TARGET, num_pre_blocks=blocks, **details)
    if "PyTorch" in times:
        show("training step, plain Keras / plain PyTorch", times[None] / times["PyTorch"], **details)
        for blocks in (1, 2, 3):
            ratios = times[blocks] / times["PyTorch"]
            show("training step, mixed / plain PyTorch", ratios, num_pre_blocks=blocks, **details)


if __name__ == "__main__":
    main()
