"""Compares a run over Beam's portability protocol, with workers elsewhere, with one on the direct runner.

    python -m tools.portable_cluster --workers 2 --output /tmp/portable -- --dataset folder:faces.zip --epochs 4 ...

What stands behind `--` are flags of `python -m pipeline.run`. The protocol is what Flink, Spark and Dataflow speak.
Beam's own local job service takes the pipeline; its workers are started by worker pools, each in a network namespace of
its own. A virtual switch, which leads nowhere else, joins them; nothing but the file system is shared. Linux, root and
the command `ip` are needed. Exits with 1 if a figure of `metrics.json` differs.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time

from tools.figures import difference, figures

NETWORK = "10.77.0"
RUNNER = f"{NETWORK}.1"
SWITCH = "datamix"
POOL_PORT = 5055


def main(argv=None) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2, help="network namespaces, each with one worker")
    parser.add_argument("--output", default="runs/portable", help="folder of both runs; emptied first")
    parser.add_argument("--tolerance", type=float, default=0.0, help="largest difference of a figure that is accepted")
    parser.add_argument("flags", nargs="*", help="flags of pipeline.run, behind --")
    options = parser.parse_args(argv)
    if options.workers < 1:
        parser.error(f"--workers must be at least 1; received {options.workers}")
    if os.geteuid() or not shutil.which("ip"):
        parser.error("network namespaces need root and the command ip (package iproute2)")
    shutil.rmtree(options.output, ignore_errors=True)
    direct, portable = (os.path.join(options.output, name) for name in ("direct", "portable"))
    with cluster(options.workers) as runner:
        for output, flags in ((direct, ["--runner", "DirectRunner"]), (portable, runner)):
            started = time.monotonic()
            command = [sys.executable, "-m", "pipeline.run", *options.flags, "--output", output, *flags]
            if status := subprocess.run(command, check=False).returncode:
                print(f"error: {shlex.join(command)} ended with {status}", file=sys.stderr)
                return 1
            print(f"{output}: {time.monotonic() - started:.0f} s", flush=True)
    wanted = figures(direct)
    worst = difference(wanted, figures(portable))
    print(json.dumps({"workers": options.workers, "figures": len(wanted), "largest_difference": worst}))
    return int(worst > options.tolerance)


@contextlib.contextmanager
def cluster(workers: int):
    """A job service and as many worker pools; yields the flags with which a run uses them."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(_switch())
        pools = [stack.enter_context(_worker_pool(index)) for index in range(workers)]
        port = stack.enter_context(_job_service(pools))
        endpoint = ["--runner", "PortableRunner", "--job_endpoint", f"localhost:{port}"]
        yield [*endpoint, "--environment_type", "EXTERNAL", "--environment_config", pools[0]]


@contextlib.contextmanager
def _switch():
    _ip("link", "add", SWITCH, "type", "bridge")
    try:
        _ip("addr", "add", f"{RUNNER}/24", "dev", SWITCH)
        _ip("link", "set", SWITCH, "up")
        yield
    finally:
        _ip("link", "delete", SWITCH)


@contextlib.contextmanager
def _worker_pool(index):
    """A worker pool in a namespace; yields its address.

    It starts workers by the name `python`, so the interpreter's folder goes first.
    """
    name, port, cable = f"datamix{index}", f"datamix{index}o", f"datamix{index}i"
    address = f"{NETWORK}.{index + 2}"
    _ip("netns", "add", name)
    with contextlib.ExitStack() as stack:
        stack.callback(_ip, "netns", "delete", name)  # takes the cable with it
        _ip("link", "add", port, "type", "veth", "peer", "name", cable)
        _ip("link", "set", cable, "netns", name)
        _ip("link", "set", port, "master", SWITCH, "up")
        _ip("-n", name, "addr", "add", f"{address}/24", "dev", cable)
        for device in ("lo", cable):
            _ip("-n", name, "link", "set", device, "up")
        pool = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", "--service_port", str(POOL_PORT)]
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
        process = subprocess.Popen(
            ["ip", "netns", "exec", name, *pool],
            env={**os.environ, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"},
            start_new_session=True,
        )
        stack.callback(_stop, process)
        yield f"{address}:{POOL_PORT}"


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def _stop(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait()


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
            return RUNNER

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
