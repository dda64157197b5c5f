"""The jobs that this process has given to a runner in other processes: how long it waits, and how it takes them back.

Beam cancels no job when its driver ends: an engine would go on computing, and writing, for nobody. What is called on
the way out of a driver is only what it has registered with `atexit`, and an interrupted run leaves by `os._exit`.
Beam gives up on a job that takes longer than its job server may take to answer, 5 minutes (2.77), where the server
knows a job before it runs, as Prism and Beam's local job service do.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import Any

_jobs: weakref.WeakSet[Any] = weakref.WeakSet()
_servers: weakref.WeakSet[Any] = weakref.WeakSet()


def watch_jobs() -> None:
    """Remembers what Beam's portable runners start from now on: jobs, for which they then wait without a limit, and job
    servers.
    """
    from apache_beam.runners.portability import job_server, portable_runner

    if issubclass(portable_runner.PipelineResult, _Watched):
        return
    portable_runner.PipelineResult = _watched(portable_runner.PipelineResult, _jobs)
    portable_runner.JobServiceHandle = _patient(portable_runner.JobServiceHandle)
    job_server.StopOnExitJobServer = _watched(job_server.StopOnExitJobServer, _servers)


def cancel_jobs() -> None:
    """Cancels the jobs that have not ended, then stops the servers. What cannot be reached is left as it is."""
    from apache_beam.runners.runner import PipelineState

    for job in list(_jobs):
        with contextlib.suppress(Exception):
            if not PipelineState.is_terminal(job.state):
                job.cancel()
    for server in list(_servers):
        with contextlib.suppress(Exception):
            server.stop()


def lost_worker(error: BaseException) -> bool:
    """Whether a job failed because a worker process died, as Prism says it."""
    return "SDK worker disconnected" in str(error)


class _Watched:
    """Marks the classes that remember their instances."""


def _watched(kind: Any, instances: weakref.WeakSet[Any]) -> Any:
    class Remembered(_Watched, kind):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            instances.add(self)

    return Remembered


def _patient(kind: Any) -> Any:
    class Patient(kind):
        def run(self, preparation_id: str) -> Any:
            self.timeout = None  # it was for the answers of the server, which have come
            return super().run(preparation_id)

    return Patient
