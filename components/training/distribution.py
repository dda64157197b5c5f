"""Who trains a model together: replicas on this machine, or worker processes on several machines."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile

from components.storage import files
from components.storage.artifacts import write_json
from components.training.networks import ModelConfig

JOB = "train_job.json"


@dataclasses.dataclass(frozen=True)
class Distribution:
    """Who shares each batch of a training.

    Attributes:
        replicas: Replicas on this machine: its GPUs if it has so many, else logical CPU devices of one process.
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


def train_distributed(models: list[ModelConfig], examples: str, keep: str, distribution: Distribution) -> None:
    """Trains models one after the other, each by all of them; they are then found in `keep`.

    Args:
        models: The models.
        examples: Where the `Examples` are.
        keep: Where trainings are kept.
        distribution: Who trains.

    Raises:
        RuntimeError: If a worker of this machine failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        job = distribution.job or os.path.join(folder, JOB)
        # Workers are processes of their own, which know of a user's defence once its module is imported.
        modules = sorted({type(model.defence).__module__ for model in models})
        described = [model.to_dict() for model in models]
        write_json(job, {"models": described, "modules": modules, "examples": examples, "keep": keep})
        try:
            _run(distribution, job)
        finally:
            files.remove(job)


def _run(distribution, job):
    if distribution.workers:
        command = _command(job, "--workers", ",".join(distribution.workers))
    else:
        command = _command(job, "--replicas", str(distribution.replicas))
    # Its standard input ends with this process, however it ends, and it with that.
    with subprocess.Popen(command, stdin=subprocess.PIPE) as worker:
        try:
            code = worker.wait()
        finally:
            worker.kill()
    if code:
        raise RuntimeError(f"a training worker failed (exit status {code}); its error is above")


def _command(job, *arguments):
    return [sys.executable, "-m", "components.training.train_worker", "--job", job, "--with_parent", *arguments]
