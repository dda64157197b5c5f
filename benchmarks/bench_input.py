"""Whether training waits for data: steps on shuffled, augmented batches against steps on one batch again and again.

    python -m benchmarks.bench_input [--rounds 9] [--width 16]

Generated faces go through ExampleGen and Transform; a DataMixModel (ResNet-18, N_pre = 1) is trained by `fit` on what
the trainer feeds it, and on one of these batches repeated, in turns. The narrower the network, the harder for the
input: `--width 64` is ResNet-18.
"""

from __future__ import annotations

import argparse
import os
import tempfile

from benchmarks.default_ingest import example_gen

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the pipeline does

from benchmarks.figures import in_turns, milliseconds, show

EXAMPLES, BATCH_SIZE, STEPS = 600, 64, 10


def transformed(folder):
    """`Examples` of generated faces."""
    from components.transform import Transform
    from pipeline.datasets import open_dataset
    from pipeline.orchestration.command import make_beam_options
    from serving.edge.preprocess import ImagePreprocessing

    source, options = open_dataset("avatars", seed=0, examples=EXAMPLES, data_dir=None), make_beam_options([])
    ingest = example_gen(source)
    raw = ingest.run({}, os.path.join(folder, "example_gen"), options)
    transform = Transform(preprocessing=ImagePreprocessing(), max_bad_share=0.05)
    return transform.run(raw, os.path.join(folder, "transform"), options)["examples"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="rounds of alternating measurements")
    parser.add_argument("--width", type=int, default=16, help="filters of the stem")
    arguments = parser.parse_args()
    import keras

    from components.training.data import batches, target_task
    from datamix_tf import DataMixModel, split
    from datamix_tf.models.resnet import CLASSIFIER, pre_layer, resnet18

    with tempfile.TemporaryDirectory() as folder:
        examples = transformed(folder)
        schema = examples.schema()
        task = target_task(schema)
        network = resnet18(schema.shape, task.outputs, arguments.width)
        model = DataMixModel(*split(network, after=pre_layer(1), before=CLASSIFIER), group_size=8)
        model.compile(keras.optimizers.AdamW(1e-3), task.loss(), jit_compile=False)
        for augment in ((), ("flip", "shift")):
            data = batches(examples, "train", BATCH_SIZE, seed=0, augment=augment)
            one = data.take(1).cache().repeat()
            ways = {
                name: lambda data=data: model.fit(data, steps_per_epoch=STEPS, verbose=0)
                for name, data in {"fed": data, "one batch": one}.items()
            }
            times = in_turns(ways, arguments.rounds, least_seconds=0)
            show(
                "training steps on fresh batches / on one batch",
                times["fed"] / times["one batch"],
                width=arguments.width,
                augment="+".join(augment) or "none",
                batch_size=BATCH_SIZE,
                step_ms=milliseconds(times["one batch"] / STEPS),
            )


if __name__ == "__main__":
    main()
