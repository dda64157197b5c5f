"""A real server for the demo, on a free port of this machine, in this process."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from components.errors import InputError
from serving.cloud.model_config import ServedModel
from serving.cloud.server import Server, ServerOptions
from serving.edge.manifest import Manifest
from serving.protocol.errors import ServingError

START_SECONDS = 120.0


@contextlib.contextmanager
def embedded_cloud(manifest: Manifest, served: str) -> Iterator[str]:
    """Serves the version of a model that a bundle belongs to; yields the URL once it answers.

    Args:
        manifest: Of the bundle.
        served: Folder of the model, with its versions.

    Raises:
        InputError: If the model cannot be loaded.
    """
    model = ServedModel(manifest.model_name, served, latest=0, versions=(manifest.model_version,))
    server = Server(lambda: [model], ServerOptions(rest_api_port=0, grpc_port=None, drain_seconds=1.0))
    thread = threading.Thread(target=server.run, name="cloud", daemon=True)
    thread.start()
    try:
        _wait(server, model)
        yield server.rest_url
    finally:
        server.stop()
        thread.join(START_SECONDS)


def _wait(server, model):
    end = time.monotonic() + START_SECONDS
    while not server.ready:
        failed = []
        with contextlib.suppress(ServingError):  # it has not looked yet
            failed = [status.error for status in server.repository.status(model.name) if status.error]
        if failed or time.monotonic() > end:
            why = failed[0] if failed else f"it was not ready within {START_SECONDS:g} s"
            raise InputError(f"the cloud's model in {model.base_path} cannot be served: {why}; push it again")
        time.sleep(0.02)
