"""One of several processes that train the models of a run together.

    python -m components.train_worker --job URI --workers HOST:PORT,HOST:PORT --index 1

The run (`python -m pipeline.run --train_workers ...`) writes the job and starts the worker of index 0, which writes the
models; the others are started by hand, each on its machine, or by the run (`--replicas N`) on its own. They need the
same code, the job, and what it names: the examples and the folder in which trainings are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time

from components import files
from components.team import JOB

WAIT = 2.0  # seconds between two looks whether the job is there


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", required=True, help=f"the run's {JOB}; it is waited for")
    parser.add_argument("--workers", default="", help="host:port of all workers, with commas, the same for all of them")
    parser.add_argument("--index", type=int, default=0, help="which of them this one is, from 0")
    parser.add_argument("--gpus", type=int, default=0, help="with one worker: how many of its GPUs share a batch")
    parser.add_argument("--with_parent", action="store_true", help="end when standard input does")
    arguments = parser.parse_args()
    workers = [address for address in arguments.workers.split(",") if address]
    if workers and not 0 <= arguments.index < len(workers):
        parser.error(f"--index takes 0 to {len(workers) - 1}. Received: {arguments.index}")
    if arguments.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    while not files.exists(arguments.job):
        time.sleep(WAIT)
    job = json.loads(files.read_bytes(arguments.job))
    # Only now: workers wait for each other here, and not for ever. TensorFlow must not have been used before.
    strategy = make_strategy(workers, arguments.index, arguments.gpus)
    from components.artifacts import Examples
    from components.networks import ModelConfig
    from components.trainer import train_together

    for described in job["models"]:
        config = ModelConfig(**described | {"augment": tuple(described["augment"])})
        train_together(config, Examples(job["examples"]), job["keep"], strategy, first=arguments.index == 0)


def make_strategy(workers: list[str], index: int, gpus: int):
    """The `tf.distribute` strategy of a cluster, or of several GPUs of this machine.

    Args:
        workers: `host:port` of all workers; none or one: this process alone.
        index: Which of them this process is.
        gpus: GPUs that share a batch, where this process is alone.
    """
    if len(workers) > 1:
        os.environ["TF_CONFIG"] = json.dumps(
            {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        )
    import tensorflow as tf

    if len(workers) > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.MirroredStrategy([f"GPU:{number}" for number in range(gpus)])


def _end_with_parent():
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
