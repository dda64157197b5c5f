"""Memory and speed of a training and an attack as the data grow: streamed from disk, and held in memory.

    python -m benchmarks.bench_streaming [--counts 10000,100000,1000000] [--drawn 1000] [--folder DIR]

Generated faces, of which `--drawn` are different and come again and again under names of their own
(`benchmarks.bench_ingest`), go through ExampleGen and Transform. A DataMixModel (ResNet-18 of `--width`, N_pre = 1,
S_G = 8) is trained on them for an epoch and attacked with a network that reads the target for another: once with
splits in memory (up to `--held` examples), once streamed (`--memory 0`), each in a process of its own, in turns.

Figures: of each count, the throughput of the streamed training against the one in memory, with examples a second of
both (from the first step on; of the training, and of the attack), and peak memory of the process after
the training and after the attack (medians over the rounds); and streamed memory at each count against the one before.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.default_ingest import example_gen

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the pipeline does

from benchmarks.figures import short, show

SIZE, GROUP_SIZE = 64, 8
HELD, STREAMED = "in memory", "streamed"
WAYS = (HELD, STREAMED)
#: What `--memory` says for each way.
BYTES = {HELD: 2**50, STREAMED: 0}


def transformed(count: int, drawn: int, folder: str) -> str:
    """Folder of the `Examples` of so many faces, made if it is not there."""
    from benchmarks.drawn_again import DrawnAgain
    from components.storage import files
    from components.transform import Transform
    from pipeline.datasets import open_dataset
    from pipeline.orchestration.command import make_beam_options
    from serving.edge.preprocess import ImagePreprocessing

    made = os.path.join(folder, f"{count}", "transform")
    if files.exists(os.path.join(made, "examples", "schema.json")):
        return os.path.join(made, "examples")
    source = open_dataset("avatars", seed=0, examples=min(drawn, count), data_dir=None)
    ingest = example_gen(DrawnAgain(source, count, min(drawn, count)))
    options = make_beam_options([])
    raw = ingest.run({}, os.path.join(folder, f"{count}", "example_gen"), options)
    transform = Transform(preprocessing=ImagePreprocessing(SIZE, SIZE), max_bad_share=0.05)
    return transform.run(raw, made, options)["examples"].uri


def measure(uri: str, width: int, batch_size: int) -> dict:
    """Trains and attacks in this process; returns examples a second of both, and peaks of memory in MB."""
    import keras

    from components import trainer
    from components.attacker import AttackConfig, run_attack
    from components.storage.artifacts import Examples, Models
    from components.training.networks import ModelConfig
    from datamix_tf.defences import DataMix

    examples, timers = Examples(uri), []
    split = examples.schema().splits["train"]

    class Timer(keras.callbacks.Callback):
        """Tells when the first and the last step of a training end."""

        def __init__(self):
            super().__init__()
            self.steps, self.first, self.last = 0, 0.0, 0.0
            timers.append(self)

        def on_train_batch_end(self, batch, logs=None):
            self.last = time.perf_counter()
            self.first, self.steps = self.first or self.last, self.steps + 1

        @property
        def seconds(self):
            return max(self.last - self.first, 1e-9) / max(self.steps - 1, 1)

    config = ModelConfig(
        defence=DataMix(1, GROUP_SIZE),
        hidden_units=0,
        width=width,
        epochs=1,
        batch_size=batch_size,
        curriculum=0.0,
        standardize=True,
        learning_rate=1e-3,
        weight_decay=0.01,
        augment=("shift",),
        seed=0,
    )
    own = trainer._callbacks
    trainer._callbacks = lambda *arguments: [*own(*arguments), Timer()]
    with tempfile.TemporaryDirectory() as folder:
        trainer.train_to(config, examples, folder, os.path.join(folder, "kept"))
        trained = _peak()
        attack = AttackConfig(config.name, attack="label_network", epochs=1, batch_size=batch_size)
        started = time.perf_counter()
        score, _ = run_attack(attack, examples, Models(folder), (Timer(),))
        seconds = time.perf_counter() - started
    return {
        "training": batch_size / timers[0].seconds,
        "attack": batch_size / timers[-1].seconds,
        "attack_seconds": seconds,
        "megabytes_trained": trained,
        "megabytes_attacked": _peak(),
        "train_examples": split,
        "attack_n": score.n,
    }


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="10000,100000,1000000", help="numbers of examples, with commas")
    parser.add_argument("--drawn", type=int, default=1000, help="different faces")
    parser.add_argument("--held", type=int, default=100_000, help="most examples that are measured in memory, too")
    parser.add_argument("--width", type=int, default=8, help="filters of the stem")
    parser.add_argument("--batch_size", type=int, default=64, help="examples in a batch")
    parser.add_argument("--rounds", type=int, default=1, help="how often each way runs")
    parser.add_argument("--folder", help="where the examples are made, and found again (default: a temporary folder)")
    parser.add_argument("--measure", metavar="EXAMPLES", help="run once in this process (used by the benchmark itself)")
    parser.add_argument("--prepare", type=int, help="make so many examples in --folder, alone (likewise)")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.width, arguments.batch_size)))
        return
    if arguments.prepare:
        print(json.dumps(transformed(arguments.prepare, arguments.drawn, arguments.folder)))
        return
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or stack.enter_context(tempfile.TemporaryDirectory())
        before = None
        for count in map(int, arguments.counts.split(",")):
            before = _compare(count, folder, arguments, before)


def _compare(count, folder, arguments, before):
    """Measures both ways at a count; returns the streamed peak of memory, and shows it against the one before."""
    same = ["--drawn", str(arguments.drawn), "--folder", folder]
    uri = _run({}, "--prepare", str(count), *same)
    ways = WAYS if count <= arguments.held else (STREAMED,)
    sizes = ["--width", str(arguments.width), "--batch_size", str(arguments.batch_size)]
    found = {way: [] for way in ways}
    for _ in range(arguments.rounds):
        for way in ways:
            found[way].append(_run({"DATAMIX_MEMORY": str(BYTES[way])}, "--measure", uri, *sizes))

    def median(way, name):
        return statistics.median(run[name] for run in found[way])

    for way in ways:
        against = HELD if HELD in ways else STREAMED
        show(
            f"training, throughput / that {against}",
            [run["training"] / base["training"] for run, base in zip(found[way], found[against], strict=True)],
            ">= 0.95" if (way, against) == (STREAMED, HELD) else "",
            way=way,
            examples=count,
            drawn=arguments.drawn,
            width=arguments.width,
            examples_per_second=short(median(way, "training")),
            attack_examples_per_second=short(median(way, "attack")),
            attack_seconds=short(median(way, "attack_seconds")),
            attack_n=found[way][0]["attack_n"],
            peak_megabytes_trained=round(median(way, "megabytes_trained")),
            peak_megabytes_attacked=round(median(way, "megabytes_attacked")),
        )
    now = count, [run["megabytes_attacked"] for run in found[STREAMED]]
    if before:
        show(
            "peak memory, streamed / with fewer examples",
            [peak / was for peak, was in zip(now[1], before[1], strict=True)],
            "<= 1.1",
            examples=count,
            fewer=before[0],
        )
    return now


def _run(environment, *arguments):
    """What this benchmark prints last in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bench_streaming", *arguments]
    text = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ).stdout
    return json.loads(text.splitlines()[-1])


if __name__ == "__main__":
    main()
