"""One of several processes that train the models of a run together.

    python -m pipeline.train_worker --job URI --workers HOST:PORT,HOST:PORT --index 1

The run (`python -m pipeline.run --train_workers ...`) writes the job and starts the worker of index 0, which writes the
models; the others are started by hand, each on its machine. They need the same code, the job, and what it names: the
examples and the folder in which trainings are kept.

PRIVATE NETWORK ONLY. Each worker opens a TensorFlow server on its port, on all interfaces, without a password: whoever
reaches it can read and write files and run computations as you. Let a firewall admit the other workers alone
(docs/how-to/distributed-training.md). `--replicas N` shares a batch within one process, which listens nowhere.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time

from components.storage import files
from components.training.distribution import JOB

WAIT = 2.0  # seconds between two looks whether the job is there


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", required=True, help=f"the run's {JOB}; it is waited for")
    parser.add_argument(
        "--workers",
        default="",
        help="host:port of all workers, with commas, the same for all of them; private network only",
    )
    parser.add_argument("--index", type=int, default=0, help="which of them this one is, from 0")
    parser.add_argument(
        "--replicas", type=int, default=1, help="with one worker: GPUs, or logical CPU devices, that share a batch"
    )
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
    strategy = make_strategy(workers, arguments.index, arguments.replicas)
    from components.storage.artifacts import Examples
    from components.trainer import train_together
    from components.training.networks import ModelConfig
    from datamix_tf.defences import load_plugin

    for module in job["modules"]:
        load_plugin(module)
    for described in job["models"]:
        config = ModelConfig.from_dict(described)
        train_together(config, Examples(job["examples"]), job["keep"], strategy, first=arguments.index == 0)


def make_strategy(workers: list[str], index: int, replicas: int):
    """The `tf.distribute` strategy of a cluster, or of several devices of this machine.

    TensorFlow must not have been used before in this process.

    Args:
        workers: `host:port` of all workers; none or one: this process alone, which listens nowhere.
        index: Which of them this process is.
        replicas: Devices that share a batch, where this process is alone: GPUs if there are so many, else logical
            CPU devices.
    """
    if len(workers) > 1:
        cluster = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        os.environ["TF_CONFIG"] = json.dumps(cluster)
        port = workers[index].rpartition(":")[2]
        print(
            f"*** TENSORFLOW LISTENS ON ALL INTERFACES, PORT {port}: whoever reaches it can read and write files and "
            "run computations as you; private network only ***",
            file=sys.stderr,
            flush=True,
        )
    import tensorflow as tf

    if len(workers) > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_physical_devices("GPU")) >= replicas:
        return tf.distribute.MirroredStrategy([f"GPU:{number}" for number in range(replicas)])
    (cpu, *_) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
    return tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(replicas)])


def _end_with_parent():
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
