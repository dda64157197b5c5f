"""Jobs on engines are cancelled when their run is interrupted."""

import pytest
from apache_beam.portability.api import beam_job_api_pb2
from apache_beam.runners.portability import job_server, portable_runner

from pipeline.orchestration.jobs import cancel_jobs, lost_worker, watch_jobs

STATES = beam_job_api_pb2.JobState


class Service:
    """An engine with one job."""

    def __init__(self, state):
        self.now, self.cancelled = state, []

    def GetState(self, request):
        return beam_job_api_pb2.JobStateEvent(state=self.now)

    def Cancel(self, request):
        self.cancelled.append(request.job_id)


class OutOfReach(Service):
    def GetState(self, request):
        raise ConnectionError("nobody there")


class Server:
    """A job server that this process has started."""

    stopped = 0

    def start(self):
        return "localhost:1"

    def stop(self):
        self.stopped += 1


@pytest.fixture(autouse=True)
def beam_as_it_was(monkeypatch):
    monkeypatch.setattr(portable_runner, "PipelineResult", portable_runner.PipelineResult)
    monkeypatch.setattr(job_server, "StopOnExitJobServer", job_server.StopOnExitJobServer)


def test_jobs_that_run_are_cancelled_and_own_servers_stopped():
    watch_jobs()
    watch_jobs()  # as a second run of the process does
    lost, running, done = OutOfReach(STATES.RUNNING), Service(STATES.RUNNING), Service(STATES.DONE)
    jobs = [portable_runner.PipelineResult(service, "job", [], []) for service in (lost, running, done)]
    server = Server()
    owned = job_server.StopOnExitJobServer(server)
    owned.start()
    cancel_jobs()
    assert (lost.cancelled, running.cancelled, done.cancelled, server.stopped) == ([], ["job"], [], 1)
    del jobs, owned
    cancel_jobs()  # what is gone is not asked again
    assert running.cancelled == ["job"] and server.stopped == 1


def test_a_lost_worker_is_told_from_other_failures():
    text = "Pipeline job-001 failed in state FAILED: bundle inst002 failed:SDK worker disconnected: worker[job-001]"
    assert lost_worker(RuntimeError(text)) and not lost_worker(RuntimeError("Pipeline job-001 failed: KeyError"))
