"""An interrupted run takes its job back from an engine that stands elsewhere: Prism, as a program of its own.

Skips where that program is not; `make cluster` makes it where Go is at hand.
"""

import os
import signal
import socket
import subprocess
import sys
import time

import grpc
import pytest
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from components.errors import InputError
from pipeline.orchestration.command import INTERRUPTED
from pipeline.orchestration.prism import find_prism
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow
WAIT = 120
#: A command whose job never ends by itself: its worker writes a file and sleeps.
ENDLESS = """
import sys, time, types
import apache_beam as beam
from pipeline.orchestration.command import make_beam_options, run_command

output, *flags = sys.argv[1:]

def sleep(path):
    import time
    open(path, "w").close()
    time.sleep(10_000)

def job(options, arguments):
    with beam.Pipeline(options=make_beam_options(arguments)) as pipeline:
        pipeline | beam.Create([output + "/at_work"]) | beam.Map(sleep)

sys.exit(run_command(lambda: (types.SimpleNamespace(output=output, keep=None), flags), job))
"""


@pytest.fixture
def prism():
    try:
        return find_prism()
    except InputError as error:
        pytest.skip(str(error))


def until(happened):
    """Waits until something is true, and returns it."""
    for _ in range(10 * WAIT):
        if found := happened():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def endless(tmp_path, *flags):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen([sys.executable, script, tmp_path / "run", *flags], env=environment)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_job_is_cancelled_and_the_engine_stays(number, prism, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"localhost:{free.getsockname()[1]}"
    with subprocess.Popen([prism, "--job_port", endpoint.rpartition(":")[2], "--serve_http=false"]) as engine:
        try:
            flags = ["--runner", "PortableRunner", "--job_endpoint", endpoint, "--environment_type", "LOOPBACK"]
            run = endless(tmp_path, *flags)
            until((tmp_path / "run" / "at_work").exists)
            run.send_signal(number)
            assert run.wait(WAIT) == INTERRUPTED
            with grpc.insecure_channel(endpoint) as channel:
                service = beam_job_api_pb2_grpc.JobServiceStub(channel)
                (job,) = service.GetJobs(beam_job_api_pb2.GetJobsRequest()).job_info
                request = beam_job_api_pb2.GetJobStateRequest(job_id=job.job_id)
                until(lambda: service.GetState(request).state == beam_job_api_pb2.JobState.CANCELLED)
        finally:
            engine.kill()


def test_an_engine_that_the_run_has_started_ends_with_it(prism, tmp_path):
    run = endless(tmp_path, "--runner", "PrismRunner", "--prism_location", prism)
    until((tmp_path / "run" / "at_work").exists)
    psutil = pytest.importorskip("psutil")
    engines = [child for child in psutil.Process(run.pid).children() if child.name() == "prism"]
    run.send_signal(signal.SIGTERM)
    assert run.wait(WAIT) == INTERRUPTED and engines
    until(lambda: not any(engine.is_running() and engine.status() != "zombie" for engine in engines))
