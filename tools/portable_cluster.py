"""Compares a run over Beam's portability protocol, with workers elsewhere, with one on the direct runner.

    python -m tools.portable_cluster --workers 2 --output /tmp/portable -- --dataset folder:faces.zip --epochs 4 ...
    python -m tools.portable_cluster --engine prism --kill transform -- --dataset folder:faces.zip --epochs 4 ...

What stands behind `--` are flags of `python -m pipeline.run`. The protocol is what Flink, Spark and Dataflow speak.
Workers are started by worker pools, each in a network namespace of its own (`tools/namespaces.py`). `--engine` says who
takes the pipeline: Beam's local job service, which gives work to all pools; or Prism, Beam's own engine, which has one
worker, tells it that the engine is at `localhost`, and so stands in the worker's namespace, and the run with it.
`--kill NODE` kills that worker (SIGKILL) while it works for a node: the run must end with status 1, and the same
command then goes on. Exits with 1 if a figure of `metrics.json` differs.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

from components.errors import InputError
from pipeline.orchestration.prism import find_prism
from tools.figures import difference, figures
from tools.kill_test import doing
from tools.namespaces import HUB, Machine, available, machines, running

POOL_PORT = 5055
#: A worker is killed when it has used so many seconds of processor time: it has started, and is at work.
AT_WORK = 6.0
LOOK_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Engine:
    """What takes the pipeline.

    Attributes:
        flags: Those of a run that uses it.
        pools: The processes that start its workers.
        where: The machine on which the run must be; `None`: outside of all.
    """

    flags: list[str]
    pools: list[subprocess.Popen[bytes]]
    where: Machine | None = None


def main(argv=None) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=tuple(ENGINES), default="beam", help="who takes the pipeline")
    parser.add_argument(
        "--workers", type=int, default=None, help="namespaces, each with one worker; default: 2, prism: 1"
    )
    parser.add_argument(
        "--kill", metavar="NODE", action="append", default=[], help="kill the worker at this node; may be repeated"
    )
    parser.add_argument("--output", default="runs/portable", help="folder of both runs; emptied first")
    parser.add_argument("--tolerance", type=float, default=0.0, help="largest difference of a figure that is accepted")
    parser.add_argument("flags", nargs="*", help="flags of pipeline.run, behind --")
    options = parser.parse_args(argv)
    workers = options.workers if options.workers is not None else 1 if options.engine == "prism" else 2
    if workers < 1 or (options.engine == "prism" and workers > 1):
        parser.error(f"--workers must be at least 1, and 1 with --engine prism; received {workers}")
    if options.kill and options.engine != "prism":
        parser.error("--kill takes --engine prism: Beam's local job service waits for a dead worker for ever")
    if not available():
        parser.error("network namespaces need root and the command ip (package iproute2)")
    shutil.rmtree(options.output, ignore_errors=True)
    direct, portable = (os.path.join(options.output, name) for name in ("direct", "portable"))
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(ENGINES[options.engine](workers))
        except InputError as error:
            parser.error(str(error))
        runs = [(direct, Engine(["--runner", "DirectRunner"], []), None)]
        runs += [(portable, cluster, node) for node in (*options.kill, None)]
        for output, engine, kill in runs:
            started = time.monotonic()
            command = [sys.executable, "-m", "pipeline.run", *options.flags, "--output", output, *engine.flags]
            status, killed = _run(command, engine, output, kill)
            if status != bool(kill) or killed != bool(kill):
                told = f"; no worker was killed at {kill}" if kill and not killed else ""
                print(f"error: {shlex.join(command)} ended with {status}{told}", file=sys.stderr)
                return 1
            seconds = time.monotonic() - started
            print(f"{output}: {seconds:.0f} s{f', a worker was killed at {kill}' if kill else ''}", flush=True)
    wanted = figures(direct)
    worst = difference(wanted, figures(portable))
    found = {"engine": options.engine, "workers": workers, "killed": options.kill}
    print(json.dumps(found | {"figures": len(wanted), "largest_difference": worst}))
    return int(worst > options.tolerance)


def _run(command, engine, output, kill) -> tuple[int, bool]:
    """Runs a command where the engine is, and kills a worker of it at a node.

    Returns:
        `(status, killed)`: the exit status, and whether a worker was killed.
    """
    killed = False
    with running(engine.where.inside(command) if engine.where else command) as process:
        while kill and not killed and process.poll() is None:
            time.sleep(LOOK_SECONDS)
            workers = [worker for pool in engine.pools for worker in psutil.Process(pool.pid).children()]
            for worker in workers if doing(output) == kill else ():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if worker.cpu_times().user > AT_WORK:
                        worker.kill()
                        killed = True
        return process.wait(), killed


@contextlib.contextmanager
def beam(workers: int) -> Iterator[Engine]:
    """Beam's local job service and as many worker pools, each on a machine of its own."""
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(machines(workers))
        pools = [stack.enter_context(_worker_pool(machine)) for machine in made]
        addresses = [f"{machine.address}:{POOL_PORT}" for machine in made]
        port = stack.enter_context(_job_service(addresses))
        endpoint = ["--runner", "PortableRunner", "--job_endpoint", f"localhost:{port}"]
        yield Engine([*endpoint, "--environment_type", "EXTERNAL", "--environment_config", addresses[0]], pools)


@contextlib.contextmanager
def prism(workers: int = 1) -> Iterator[Engine]:
    """Prism and its worker pool on one machine. Raises InputError without the program."""
    runner = ["--runner", "PrismRunner", "--prism_location", find_prism()]
    with machines(workers) as (machine,), _worker_pool(machine) as pool:
        external = ["--environment_type", "EXTERNAL", "--environment_config", f"localhost:{POOL_PORT}"]
        yield Engine([*runner, *external], [pool], machine)


ENGINES = {"beam": beam, "prism": prism}


def _worker_pool(machine):
    """A worker pool on a machine. It starts workers by the name `python`, so the interpreter's folder goes first."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    pool = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", "--service_port", str(POOL_PORT)]
    return running(machine.inside(pool), {"PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"})


@contextlib.contextmanager
def _job_service(pools):
    """Beam's local job service, which asks each worker pool in turn for a worker; yields its port."""
    from apache_beam.portability import common_urns
    from apache_beam.portability.api import beam_runner_api_pb2
    from apache_beam.runners.portability import local_job_service
    from apache_beam.runners.portability.fn_api_runner import fn_runner, worker_handlers

    turns = itertools.cycle(pools)

    class Spread(worker_handlers.ExternalWorkerHandler):
        """Beam's own would ask one pool only, and tell workers to call `localhost`."""

        def __init__(self, payload, *arguments):
            super().__init__(payload, *arguments)
            self._external_payload = beam_runner_api_pb2.ExternalPayload()
            self._external_payload.CopyFrom(payload)
            self._external_payload.endpoint.url = next(turns)

        def host_from_worker(self):
            return HUB

    class OneForEachPool(fn_runner.FnApiRunner):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            self._num_workers = len(pools)

    worker_handlers.WorkerHandler.register_environment(
        common_urns.environments.EXTERNAL.urn, beam_runner_api_pb2.ExternalPayload
    )(Spread)
    local_job_service.fn_runner.FnApiRunner = OneForEachPool
    service = local_job_service.LocalJobServicer(None)
    try:
        yield service.start_grpc_server(0)
    finally:
        service.stop()


if __name__ == "__main__":
    sys.exit(main())
