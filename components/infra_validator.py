"""InfraValidator: loads a package into the embedded server and asks it, before anybody else does."""

from __future__ import annotations

import tempfile
import threading
import time

import apache_beam as beam
import numpy as np

from components.base import Component, ComponentSpec
from components.pusher import push_saved_model
from components.storage.artifacts import Blessing, Examples, Package, write_json
from components.storage.local_copies import local_copy
from components.storage.model_folders import version_folder
from components.training.splits import Split

READY_SECONDS = 120.0


class InfraValidator(Component):
    """Serves a package on a free port of this machine and predicts a test example through the edge client.

    Inputs:
        package: `Package`.
        examples: `Examples`.

    Outputs:
        blessing: `Blessing`: blessed if the server loaded the model and the client got whole probabilities.
    """

    spec = ComponentSpec(
        inputs={"package": Package, "examples": Examples}, outputs={"blessing": Blessing}, parameters={}
    )

    def execute(self, inputs, outputs, options):
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Package" >> beam.Create([inputs["package"]])
                | "Serve" >> beam.Map(validated, inputs["examples"])
                | "Write" >> beam.Map(lambda found: write_json(outputs["blessing"].path("blessing.json"), found))
            )


def validated(package: Package, examples: Examples, ready_seconds: float = READY_SECONDS) -> dict:
    """The blessing of a package: `blessed`, and `checks` with what was asked and found.

    Args:
        package: The package.
        examples: Their test split completes the group.
        ready_seconds: Time in which the server must be ready.
    """
    from serving.edge.errors import EdgeError
    from serving.protocol.errors import ServingError

    asked = "the embedded server loads the model and answers the edge client"
    try:
        seconds = _query(package, examples, ready_seconds)
    except (ServingError, EdgeError, TimeoutError) as error:
        return {"blessed": False, "checks": [{"check": asked, "found": str(error), "passed": False}]}
    return {"blessed": True, "checks": [{"check": asked, "found": f"yes, after {seconds:.1f} s", "passed": True}]}


def _query(package, examples, ready_seconds):
    """Seconds until a group was predicted."""
    from serving.cloud.model_config import discover
    from serving.cloud.server import Server, ServerOptions
    from serving.edge.bundle import load_manifest
    from serving.edge.client import EdgeClient
    from serving.edge.errors import BadAnswerError

    started, package = time.monotonic(), Package(local_copy(package.uri))
    with tempfile.TemporaryDirectory() as folder:
        described = load_manifest(package.path("edge"))
        version = version_folder(folder, described.model_name, described.model_version)
        push_saved_model(package.path("serving"), version)
        server = Server(lambda: discover(folder, None), ServerOptions(rest_api_port=0, grpc_port=None))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            while not server.ready:
                if time.monotonic() - started > ready_seconds:
                    raise TimeoutError(f"the server was not ready within {ready_seconds:g} s")
                time.sleep(0.05)
            x = Split(examples, "test").x[:1].astype("float32")
            # Numbers of the inputs' range do as covers: small data sets have no whole group of test examples.
            shape = (described.group_size, *x.shape[1:])
            covers = np.random.default_rng(0).uniform(x.min(), x.max() + 1, shape).astype("float32")
            with EdgeClient(package.path("edge"), server.rest_url, covers=covers, quiet=True) as client:
                found = client.predict(x)
            if not np.isfinite(found).all():
                raise BadAnswerError("the answer holds numbers that are not finite")
        finally:
            server.stop()
            thread.join()
    return time.monotonic() - started
