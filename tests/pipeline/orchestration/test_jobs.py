"""Jobs on engines are cancelled when their run is interrupted."""

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
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
    monkeypatch.setattr(portable_runner, "JobServiceHandle", portable_runner.JobServiceHandle)
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


class Limits:
    """An engine that remembers how long it may take."""

    def __init__(self):
        self.of = {}

    def __getattr__(self, call):
        def answer(request, timeout=None):
            self.of[call] = timeout
            return iter([beam_job_api_pb2.JobStateEvent()]) if call == "GetStateStream" else Service(None)

        return answer


def test_a_job_may_take_longer_than_the_answers_of_its_server(monkeypatch):
    monkeypatch.setattr(Service, "job_id", "job", raising=False)
    watch_jobs()
    engine = Limits()
    handle = portable_runner.JobServiceHandle(engine, PipelineOptions([]))
    assert handle.timeout
    handle.run("job")
    assert engine.of == {"GetStateStream": None, "GetMessageStream": None, "Run": None}


def test_a_lost_worker_is_told_from_other_failures():
    text = "Pipeline job-001 failed in state FAILED: bundle inst002 failed:SDK worker disconnected: worker[job-001]"
    assert lost_worker(RuntimeError(text)) and not lost_worker(RuntimeError("Pipeline job-001 failed: KeyError"))
