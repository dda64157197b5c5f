"""The embedded server: the REST and gRPC APIs over one repository, started and stopped together."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn

from serving.cloud import grpc_api, grpc_services, rest
from serving.cloud.batching import BatchingParameters
from serving.cloud.gateway import Gateway
from serving.cloud.grpc_reception import Reception
from serving.cloud.grpc_server import GrpcServer
from serving.cloud.model_config import MONITORING_PATH, ServedModel
from serving.cloud.predictor import Predictor
from serving.cloud.repository import Repository
from serving.protocol.addresses import at
from serving.protocol.bodies import InFlight
from serving.protocol.errors import ServingError
from serving.protocol.http_server import http_config
from serving.protocol.limits import Limits
from serving.protocol.ohttp import GatewayKeys

_GLANCE = 0.05  # seconds between looks for a stop while models are loaded


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """How to serve.

    Attributes:
        host: Address to listen on.
        rest_api_port: Port of the REST API; 0 picks a free one, None switches it off.
        grpc_port: Port of the gRPC API; likewise.
        timeout: Seconds for an answer.
        drain_seconds: Seconds that requests under way get when the server stops.
        poll_seconds: Time between looks at the disk for versions; 0 looks once.
        config_seconds: Time between calls of `models` where the disk is looked at once; 0 calls it once, too.
        batching: How requests are batched, or None for not at all.
        limits: What clients may cost.
        token: Bearer token that requests must carry, or None.
        certificate, private_key: Paths of PEM files that switch TLS on, or None.
        oblivious_keys: Gives the keys of an Oblivious HTTP gateway in front of the REST API, or None for no gateway.
        oblivious_only: Whether requests that did not come sealed are refused; the gRPC API is then closed.
        cors: Whether pages from anywhere may ask the REST API.
        monitoring_path: Path of the metrics, or None for none.
        check_methods: Whether signatures are asked for their method's name.
        as_content: Whether gRPC answers are in `tensor_content` instead of the typed fields.
        grpc_socket_path: Path of a UNIX socket for the gRPC API, or None.
        grpc_arguments: More of gRPC's channel arguments, by name.
    """

    host: str = "127.0.0.1"
    rest_api_port: int | None = 8501
    grpc_port: int | None = 8500
    timeout: float = 30.0
    drain_seconds: float = 20.0
    poll_seconds: float = 1.0
    config_seconds: float = 0.0
    batching: BatchingParameters | None = dataclasses.field(default_factory=BatchingParameters)
    limits: Limits = dataclasses.field(default_factory=Limits)
    token: str | None = None
    certificate: str | None = None
    private_key: str | None = None
    oblivious_keys: Callable[[], GatewayKeys] | None = None
    oblivious_only: bool = False
    cors: bool = False
    monitoring_path: str | None = MONITORING_PATH
    check_methods: bool = False
    as_content: bool = False
    grpc_socket_path: str | None = None
    grpc_arguments: Mapping[str, int | str] = dataclasses.field(default_factory=dict)


class _RestServer(uvicorn.Server):
    """Tells when it begins to stop, so that both protocols drain at the same time."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)


class Server:
    """An embedded server.

    Args:
        models: Gives the `ServedModel`s; called at every look at the disk.
        options: `ServerOptions`.

    Raises:
        ServingError: If a port cannot be bound or the TLS files cannot be used.
    """

    def __init__(self, models: Callable[[], Iterable[ServedModel]], options: ServerOptions) -> None:
        self.options = options
        self.repository = Repository(models, options.poll_seconds, options.config_seconds)
        self._predictor = Predictor(self.repository, options.batching)
        self.stopping = threading.Event()
        self._parsers = ThreadPoolExecutor(os.cpu_count() or 1, "parser")
        self._in_flight = InFlight(options.limits.max_inflight_bytes)
        self._rest, self._socket = self._make_rest() if options.rest_api_port is not None else (None, None)
        self.rest_port = self._socket.getsockname()[1] if self._socket else None
        speaks_grpc = options.grpc_port is not None or options.grpc_socket_path is not None
        speaks_grpc = speaks_grpc and not options.oblivious_only  # nobody can seal a gRPC call
        self._grpc = self._make_grpc(options.grpc_port) if speaks_grpc else None

    @property
    def grpc_port(self) -> int | None:
        """Port of the gRPC API, once it listens."""
        return self._grpc.port if self._grpc else None

    @property
    def rest_url(self) -> str | None:
        """Base URL of the REST API."""
        scheme = "https" if self.options.certificate else "http"
        return f"{scheme}://{at(self.options.host, self.rest_port)}" if self.rest_port else None

    @property
    def ready(self) -> bool:
        """True once it listens and every model has a version that answers."""
        listens = self._rest is None or self._rest.started
        return listens and self.repository.ready and not self.stopping.is_set()

    def run(self) -> None:
        """Serves until `stop` or, on the main thread, SIGTERM or SIGINT; then answers what is under way.

        It listens once every model that is there was loaded, or could not be.

        Raises:
            ServingError: If the gRPC API cannot listen.
        """
        if threading.current_thread() is threading.main_thread():
            # Uvicorn stops gracefully on these and then raises them again; a stop on request is no failure.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.stopping.set())
        self.repository.start()
        try:
            while not self.repository.wait(_GLANCE) and not self.stopping.is_set():
                pass
            if not self.stopping.is_set():
                self._serve()
        finally:
            self.stopping.set()
            if self._grpc:
                self._grpc.close(self.options.drain_seconds)
            self.repository.close()
            self._predictor.batcher.close()
            self._parsers.shutdown()

    def stop(self) -> None:
        """Makes `run` return, from any thread."""
        self.stopping.set()
        if self._rest:
            self._rest.should_exit = True

    def _serve(self) -> None:
        if self._grpc:
            self._grpc.start()
        if self._rest:
            self._rest.run(sockets=[self._socket])
        else:
            self.stopping.wait()

    def _make_rest(self) -> tuple[_RestServer, socket.socket]:
        options = self.options
        app = rest.make_app(
            self._predictor,
            rest.RestOptions(
                options.limits,
                options.timeout,
                options.token,
                options.cors,
                options.monitoring_path,
                options.check_methods,
            ),
            lambda: self.ready and not self._rest.should_exit,
            self._parsers,
            self._in_flight,
        )
        if options.oblivious_keys:
            app = Gateway(app, options.oblivious_keys, options.limits, options.oblivious_only, self._in_flight)
        config = http_config(
            app,
            options.limits,
            drain_seconds=options.drain_seconds,
            host=options.host,
            port=options.rest_api_port,
            ssl_certfile=options.certificate,
            ssl_keyfile=options.private_key,
        )
        try:
            config.load()
            listening = config.bind_socket()
        except (OSError, ssl.SSLError) as error:
            raise ServingError(503, f"cannot start the REST API: {error}") from error
        except SystemExit:
            where = at(options.host, options.rest_api_port)
            raise ServingError(503, f"cannot listen on {where} (in use, or not this machine's address)") from None
        return _RestServer(config, self._stop_grpc), listening

    def _stop_grpc(self) -> None:
        """Refuses new calls from now on; those under way go on."""
        if self._grpc:
            self._grpc.refuse(self.options.drain_seconds)

    def _make_grpc(self, port: int | None) -> GrpcServer:
        options, limits = self.options, self.options.limits
        reception = Reception(limits, options.token, self._in_flight)
        handlers = grpc_api.handlers(
            self._predictor,
            reception,
            grpc_api.GrpcOptions(options.timeout, limits.max_body_bytes, options.check_methods, options.as_content),
            self._parsers,
        )
        return GrpcServer(
            [*handlers, *grpc_services.handlers(reception, lambda: self.ready)],
            options.host,
            port,
            self._certificate(),
            limits,
            options.grpc_socket_path,
            options.grpc_arguments,
        )

    def _certificate(self) -> tuple[bytes, bytes] | None:
        if not self.options.certificate:
            return None
        private_key: Any = self.options.private_key
        try:
            with open(private_key, "rb") as key, open(self.options.certificate, "rb") as certificate:
                return key.read(), certificate.read()
        except OSError as error:
            raise ServingError(503, f"cannot start the gRPC API: {error}") from error
