"""Who trains a model together: worker processes on this machine or others, or the GPUs of this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import subprocess
import sys
import tempfile
import time

from components import files
from components.artifacts import write_json

JOB = "train_job.json"
LOOK = 0.2  # seconds between two looks whether workers are done


@dataclasses.dataclass(frozen=True)
class Team:
    """Who shares each batch of a training.

    Attributes:
        replicas: Replicas on this machine: its GPUs if it has so many, else so many processes.
        workers: `host:port` of processes on several machines, one each; the first is this machine's, which the run
            starts. Takes one replica on each.
        job: Where the run writes what the others are to do.
    """

    replicas: int = 1
    workers: tuple[str, ...] = ()
    job: str = ""

    @property
    def shares(self) -> bool:
        """Whether a batch is shared at all."""
        return self.replicas > 1 or len(self.workers) > 1


def train_as_team(models: list[dict], examples: str, keep: str, team: Team) -> None:
    """Trains models one after the other, each by the whole team; they are then found in `keep`.

    Args:
        models: Fields of `ModelConfig`s, JSON-ready.
        examples: Where the `Examples` are.
        keep: Where trainings are kept.
        team: Who trains.

    Raises:
        RuntimeError: If a worker of this machine failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        job = team.job or os.path.join(folder, JOB)
        write_json(job, {"models": models, "examples": examples, "keep": keep})
        try:
            _run(team, job)
        finally:
            files.remove(job)


def _run(team, job):
    if team.workers:
        commands = [_command(job, "--workers", ",".join(team.workers))]
    elif gpus() >= team.replicas:
        commands = [_command(job, "--gpus", str(team.replicas))]
    else:
        addresses = ",".join(f"127.0.0.1:{port}" for port in _free_ports(team.replicas))
        commands = [_command(job, "--workers", addresses, "--index", str(index)) for index in range(team.replicas)]
    with contextlib.ExitStack() as stack:
        # Their standard input ends with this process, however it ends, and they with it.
        workers = [stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE)) for command in commands]
        try:
            # One that failed leaves the others waiting for it.
            while None in (codes := [worker.poll() for worker in workers]) and not any(codes):
                time.sleep(LOOK)
        finally:
            for worker in workers:
                worker.kill()
    if any(codes):
        raise RuntimeError(f"a training worker failed (exit status {next(filter(None, codes))}); its error is above")


def _command(job, *arguments):
    return [sys.executable, "-m", "components.train_worker", "--job", job, "--with_parent", *arguments]


def gpus() -> int:
    """How many GPUs TensorFlow sees."""
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))


def _free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
