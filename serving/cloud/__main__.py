"""`python -m serving.cloud`: the embedded server from the command line."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.cloud.server import Server
    from serving.protocol.ohttp import GatewayKey

DESCRIPTION = """\
Serves what `python -m pipeline.run` leaves in its serving/ folder, behind TensorFlow Serving's REST and gRPC
contract. New versions are picked up while it runs; SIGTERM answers what is under way and ends."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until told to stop; returns the exit status."""
    arguments = _parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        _check(arguments)
        _warn(arguments)
        # The imports take seconds; --help and wrong flags need not wait for them.
        from serving.protocol.errors import ServingError
    except _BadFlag as error:
        return _fail(error)
    try:
        server = _server(arguments)
    except ServingError as error:
        return _fail(error)
    threading.Thread(target=_announce, args=(server,), daemon=True).start()
    server.run()
    return 0


class _BadFlag(ValueError):
    pass


def _fail(error: Exception) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 2


def _check(arguments: argparse.Namespace) -> None:
    if (arguments.model_base_path is None) == (arguments.model_config_file is None):
        raise _BadFlag("give either --model_base_path or --model_config_file")
    if arguments.model_base_path is not None and not os.path.isdir(arguments.model_base_path):
        raise _BadFlag(f"--model_base_path must be a folder; there is none at {arguments.model_base_path}")
    if (arguments.ssl_certificate is None) != (arguments.ssl_private_key is None):
        raise _BadFlag("--ssl_certificate and --ssl_private_key belong together")
    if arguments.oblivious_only and not arguments.oblivious_key_file:
        raise _BadFlag("--oblivious_only needs --oblivious_key_file")
    if arguments.rest_api_port == 0 and arguments.port == 0:
        raise _BadFlag("--rest_api_port and --port are both 0 (off): there is nothing to serve")
    positive = ("rest_api_timeout_in_ms", "max_body_bytes", "max_inflight_bytes", "read_seconds", "max_connections")
    for name in positive:
        if getattr(arguments, name) <= 0:
            raise _BadFlag(f"--{name} must be above 0; received {getattr(arguments, name)}")


def _warn(arguments: argparse.Namespace) -> None:
    if arguments.host in LOOPBACK:
        return
    lacks = [
        text
        for value, text in (
            (arguments.ssl_certificate, "without TLS: anyone on the way can read mixtures and change answers"),
            (arguments.token_file, "without a token: anyone who reaches it can use it"),
        )
        if value is None
    ]
    for text in lacks:
        logging.warning("*** LISTENING ON %s %s ***", arguments.host, text)


def _server(arguments: argparse.Namespace) -> Server:
    from serving.cloud import model_config
    from serving.cloud.batching import BatchingParameters
    from serving.cloud.server import Server, ServerOptions
    from serving.protocol.bodies import Limits
    from serving.protocol.errors import ServingError

    token = None
    if arguments.token_file:
        try:
            with open(arguments.token_file, encoding="utf-8") as file:
                token = file.read().strip()
        except OSError as error:
            raise ServingError(400, f"cannot read --token_file: {error}") from error
        if not token:
            raise ServingError(400, f"--token_file {arguments.token_file} is empty")
    batching = BatchingParameters()
    if arguments.batching_parameters_file:
        batching = model_config.read_batching(arguments.batching_parameters_file)
    if arguments.model_config_file:
        model_config.read_config(arguments.model_config_file)  # An error now, not at the first look.

        def models() -> list[model_config.ServedModel]:
            return model_config.read_config(arguments.model_config_file)
    else:

        def models() -> list[model_config.ServedModel]:
            return model_config.discover(arguments.model_base_path, arguments.model_name)

    options = ServerOptions(
        host=arguments.host,
        rest_api_port=arguments.rest_api_port or None,
        grpc_port=arguments.port or None,
        timeout=arguments.rest_api_timeout_in_ms / 1000,
        drain_seconds=arguments.drain_seconds,
        poll_seconds=arguments.file_system_poll_wait_seconds,
        batching=batching,
        limits=Limits(
            max_body_bytes=arguments.max_body_bytes,
            max_inflight_bytes=arguments.max_inflight_bytes,
            read_seconds=arguments.read_seconds,
            max_connections=arguments.max_connections,
        ),
        token=token,
        certificate=arguments.ssl_certificate,
        private_key=arguments.ssl_private_key,
        oblivious_key=_gateway_key(arguments.oblivious_key_file) if arguments.oblivious_key_file else None,
        oblivious_only=arguments.oblivious_only,
    )
    return Server(models, options)


def _gateway_key(path: str) -> GatewayKey:
    """The gateway's key in a file; a missing file is made, readable by its owner alone."""
    from serving.protocol.errors import ServingError
    from serving.protocol.ohttp import GatewayKey

    try:
        with contextlib.suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(os.urandom(32).hex() + "\n")
        with open(path, encoding="ascii") as file:
            private = bytes.fromhex(file.read().strip())
    except (OSError, ValueError) as error:
        raise ServingError(400, f"cannot use --oblivious_key_file {path}: {error}") from error
    if len(private) != 32:
        raise ServingError(400, f"--oblivious_key_file {path} must hold 64 hexadecimal digits")
    return GatewayKey(1, private)


def _announce(server: Server) -> None:
    """Says on standard output where the server answers, once it does."""
    while not server.ready:
        if server.stopping.wait(0.05):
            return
    grpc = f", gRPC {server.options.host}:{server.grpc_port}" if server.grpc_port else ""
    print(f"serving {', '.join(server.repository.names())}: REST {server.rest_url or 'off'}{grpc}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m serving.cloud", description=DESCRIPTION, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument_group("models").add_argument
    add("--model_base_path", help="folder of one model (NAME/VERSION/...) or of several")
    add("--model_name", help="name of the model in --model_base_path (default: its folder's name)")
    add("--model_config_file", help="TensorFlow Serving's models.config: names, version policies, labels; watched")
    add("--file_system_poll_wait_seconds", type=float, default=1.0, help="time between looks for new versions")
    add = parser.add_argument_group("network").add_argument
    add("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 is every one of this machine")
    add("--rest_api_port", type=int, default=8501, help="port of the REST API; 0: off")
    add("--port", type=int, default=8500, help="port of the gRPC API; 0: off")
    add("--ssl_certificate", help="PEM file of the certificate; switches TLS on")
    add("--ssl_private_key", help="PEM file of its private key")
    add("--token_file", help="file with the bearer token that requests must carry")
    add(
        "--oblivious_key_file",
        help="file with the private key of an Oblivious HTTP gateway (64 hexadecimal digits; made if it is not there)",
    )
    add("--oblivious_only", action="store_true", help="refuse REST requests that did not come through the gateway")
    add = parser.add_argument_group("limits").add_argument
    add(
        "--batching_parameters_file",
        help="TensorFlow Serving's batching parameters (default: 64 rows, 1 ms, 16 batches)",
    )
    add("--rest_api_timeout_in_ms", type=int, default=30000, help="time for an answer, in milliseconds")
    add("--max_body_bytes", type=int, default=32 << 20, help="largest request, before and after decompression")
    add("--max_inflight_bytes", type=int, default=128 << 20, help="bytes of all requests under way; beyond: 429")
    add("--max_connections", type=int, default=1024, help="open connections; beyond: 503")
    add("--read_seconds", type=float, default=20.0, help="time in which headers, and then the body, must arrive")
    add("--drain_seconds", type=float, default=20.0, help="time that requests under way get at the end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
