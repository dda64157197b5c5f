"""Ingest and transform as the data grows: examples per second and peak memory, against a plain tf.data script.

    python -m benchmarks.bench_ingest [--counts 1000,10000] [--rounds 3] [--drawn 500]

Generated faces are drawn, split by a hash, written, read again, decoded, resized and written with the statistics of the
train split: by `ExampleGen` and `Transform` with one worker, with two worker processes, and by a tf.data script in one
process. Each in a process of its own, in turn; imports are not counted. Figures: the ratios of throughputs, with
examples per second, processor time for an example (all processes, which other work on the machine hardly changes) and
peak memory of the largest process (medians over the rounds).

To draw a face takes several times as long as all that follows. `--drawn N` draws N different ones and gives them again
and again under names of their own, with a comment in the file that makes each content different: what is measured then
is the pipeline.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.default_ingest import example_gen
from benchmarks.drawn_again import DrawnAgain
from benchmarks.figures import short, show

TWO_WORKERS = ["--direct_running_mode", "multi_processing", "--direct_num_workers", "2"]
SIZE = 64
WAYS = ("tf.data", "one worker", "two workers")
TARGETS = {"one worker": ">= 0.8", "two workers": ">= 1.5"}


def with_components(source, folder, flags):
    """The pipeline's first two components; returns the seconds."""
    from components.transform import Transform
    from pipeline.orchestration.command import make_beam_options
    from serving.edge.preprocess import ImagePreprocessing

    options = make_beam_options(flags)
    ingest = example_gen(source)
    transform = Transform(preprocessing=ImagePreprocessing(SIZE, SIZE), max_bad_share=0.05)
    started = time.monotonic()
    raw = ingest.run({}, os.path.join(folder, "example_gen"), options)
    transform.run(raw, os.path.join(folder, "transform"), options)
    return time.monotonic() - started


def with_tf_data(source, folder):
    """The same work as a plain script in one process; returns the seconds."""
    import numpy as np
    import tensorflow as tf

    from components.example_gen import _encode
    from components.storage.records import RawExample
    from components.storage.tfrecords import SPLITS, fraction

    def split_of(content):
        place = fraction(content)
        return "test" if place < 0.2 else "valid" if place < 0.35 else "train"

    def examples():
        for index in range(source.examples):
            example = source.example(index)
            split = split_of(example.content)
            yield split, _encode(RawExample(example.name, example.content, example.labels, split))[2]

    def parsed(payload):
        features = tf.io.parse_single_example(payload, {"content": tf.io.FixedLenFeature((), tf.string)})
        picture = tf.image.resize(tf.io.decode_png(features["content"], 3), (SIZE, SIZE))
        return payload, tf.cast(picture, tf.uint8)

    started = time.monotonic()
    text = tf.TensorSpec((), tf.string)
    drawn = tf.data.Dataset.from_generator(examples, output_signature=(text, text)).prefetch(64)
    writers = {split: tf.io.TFRecordWriter(os.path.join(folder, f"raw-{split}")) for split in SPLITS}
    for split, payload in drawn.as_numpy_iterator():
        writers[split.decode()].write(payload)
    for writer in writers.values():
        writer.close()
    count, total, squares = 0, np.zeros(3), np.zeros(3)
    for split in SPLITS:
        decoded = tf.data.TFRecordDataset(os.path.join(folder, f"raw-{split}")).map(parsed).prefetch(64)
        with tf.io.TFRecordWriter(os.path.join(folder, split)) as writer:
            for payload, picture in decoded.as_numpy_iterator():
                example = tf.train.Example.FromString(payload)
                example.features.feature["content"].bytes_list.value[0] = picture.tobytes()
                writer.write(example.SerializeToString())
                if split == "train":
                    pixels = picture.reshape(-1, 3).astype(np.float64)
                    count, total, squares = count + len(pixels), total + pixels.sum(0), squares + (pixels**2).sum(0)
    assert np.isfinite(squares / count - (total / count) ** 2).all()
    return time.monotonic() - started


def measure(way, count, drawn):
    """Runs one way in this process; returns seconds, processor seconds and its largest process.s peak memory in MB."""
    import tensorflow  # noqa: F401  (imports are not counted)

    from pipeline.datasets import open_dataset

    source = open_dataset("avatars", seed=0, examples=drawn or count, data_dir=None)
    source = DrawnAgain(source, count, drawn) if drawn else source
    before = _processor_seconds()
    with tempfile.TemporaryDirectory() as folder:
        if way == "tf.data":
            seconds = with_tf_data(source, folder)
        else:
            seconds = with_components(source, folder, TWO_WORKERS if way == "two workers" else [])
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {"seconds": seconds, "cpu_seconds": _processor_seconds() - before, "megabytes": max(peaks) / 1024}


def _processor_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="1000,10000", help="numbers of examples, with commas")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way runs")
    parser.add_argument("--drawn", type=int, default=0, help="different faces; default: all of them")
    parser.add_argument("--ways", default=",".join(WAYS), help="the ways to measure, with commas")
    parser.add_argument("--measure", choices=WAYS, help="run one way in this process (used by the benchmark itself)")
    arguments = parser.parse_args()
    counts, ways = [int(count) for count in arguments.counts.split(",")], arguments.ways.split(",")
    if unknown := {*ways} - {*WAYS}:
        parser.error(f"expected --ways of {', '.join(WAYS)}, received {', '.join(sorted(unknown))}")
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, counts[0], arguments.drawn)))
        return
    for count in counts:
        found = {way: [] for way in ways}
        for _ in range(arguments.rounds):
            for way in ways:
                command = [sys.executable, "-m", "benchmarks.bench_ingest", "--measure", way, "--counts", str(count)]
                command += ["--drawn", str(arguments.drawn)]
                text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                found[way].append(json.loads(text.splitlines()[-1]))
        for way in ways:
            show(
                f"ingest and transform, throughput / that of {ways[0]}",
                [plain["seconds"] / run["seconds"] for plain, run in zip(found[ways[0]], found[way], strict=True)],
                TARGETS.get(way, "") if ways[0] == WAYS[0] else "",
                way=way,
                examples=count,
                drawn=arguments.drawn or count,
                examples_per_second=short(count / statistics.median(run["seconds"] for run in found[way])),
                cpu_ms_per_example=short(1000 * statistics.median(run["cpu_seconds"] for run in found[way]) / count),
                peak_megabytes=round(statistics.median(run["megabytes"] for run in found[way])),
            )


if __name__ == "__main__":
    main()
