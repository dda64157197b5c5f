"""`python -m serving.cloud`: the embedded server from the command line."""

from __future__ import annotations

import argparse
import functools
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from serving.cloud import flags
from serving.protocol.addresses import at
from serving.protocol.command_names import called
from serving.protocol.errors import ServingError
from serving.protocol.extras import MissingPackageError, needs
from serving.protocol.limit_flags import add_limits, limits_of
from serving.protocol.open_files import allow_connections
from serving.protocol.quiet import quieten
from serving.version import __version__

if TYPE_CHECKING:
    from serving.cloud.server import Server

#: Of a name that is ours: what is logged without one is others' to `quieten`.
_log = logging.getLogger("serving.cloud")

DESCRIPTION = """\
Serves what `python -m pipeline.run` leaves in its serving/ folder, behind TensorFlow Serving's REST and gRPC
contract. New versions are picked up while it runs; SIGTERM answers what is under way and ends."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECONDS = ("file_system_poll_wait_seconds", "model_config_file_poll_wait_seconds", "drain_seconds")
PARALLELISM = tuple(f"tensorflow_{part}_parallelism" for part in ("session", "intra_op", "inter_op"))


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until told to stop; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    quieten(argv)
    try:
        arguments = read_arguments(argv)
        _warn(arguments)
    except ValueError as error:
        return _fail(error)
    try:
        with needs("cloud"):
            if arguments.version:
                return _print_versions()
            server = make_server(arguments)
            threading.Thread(target=_announce, args=(server,), daemon=True).start()
            server.run()
    except (ServingError, MissingPackageError) as error:
        return _fail(error)
    return 0


def read_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """A command line, checked as far as flags alone can be.

    Raises:
        ValueError: If flags cannot be used; the text says why.
        SystemExit: After `--help`, or if a flag is not known.
    """
    arguments = make_parser().parse_args(argv)
    _check(arguments)
    return arguments


def _print_versions() -> int:
    import tensorflow as tf

    print(f"datamix-tf {__version__}, for TensorFlow ModelServer\nTensorFlow Library: {tf.__version__}")
    return 0


def _fail(error: Exception) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 2


def _check(arguments: argparse.Namespace) -> None:
    flags.check_others(arguments)
    flags.channel_arguments(arguments.grpc_channel_arguments)
    if arguments.version:
        return
    if not arguments.model_base_path and not arguments.model_config_file:
        raise ValueError("give either --model_base_path or --model_config_file")
    if arguments.model_config_file and (arguments.model_base_path or arguments.model_name):
        _log.info("--model_config_file is given: --model_base_path and --model_name are ignored")
    elif arguments.model_base_path and not os.path.isdir(arguments.model_base_path):
        raise ValueError(f"--model_base_path must be a folder; there is none at {arguments.model_base_path}")
    if (arguments.ssl_certificate is None) != (arguments.ssl_private_key is None):
        raise ValueError("--ssl_certificate and --ssl_private_key belong together")
    if arguments.oblivious_only and not arguments.oblivious_key_file:
        raise ValueError("--oblivious_only needs --oblivious_key_file")
    if arguments.oblivious_only and (arguments.grpc_socket_path or not arguments.rest_api_port):
        raise ValueError("--oblivious_only closes gRPC: leave --grpc_socket_path out and keep --rest_api_port")
    if arguments.batching_parameters_file and not arguments.enable_batching:
        raise ValueError("--batching_parameters_file needs --enable_batching, which is off")
    if arguments.rest_api_port == 0 and arguments.port == 0 and not arguments.grpc_socket_path:
        raise ValueError("--rest_api_port and --port are both 0 (off): there is nothing to serve")
    limits_of(arguments)
    if arguments.rest_api_timeout_in_ms <= 0:
        raise ValueError(f"--rest_api_timeout_in_ms must be above 0; received {arguments.rest_api_timeout_in_ms}")
    for name in (*SECONDS, *PARALLELISM):
        if getattr(arguments, name) < 0:
            raise ValueError(f"--{name} must be at least 0; received {getattr(arguments, name)}")
    if arguments.tensorflow_session_parallelism and (
        arguments.tensorflow_intra_op_parallelism or arguments.tensorflow_inter_op_parallelism
    ):
        raise ValueError("give either --tensorflow_session_parallelism or the two of its parts")


def _warn(arguments: argparse.Namespace) -> None:
    if arguments.oblivious_key_file and not arguments.ssl_certificate:
        _log.warning(
            "*** OBLIVIOUS HTTP WITHOUT TLS: who listens on the way to the relay can tell which request is whose; use "
            "--ssl_certificate (RFC 9458, section 6) ***"
        )
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
        _log.warning("*** LISTENING ON %s %s ***", arguments.host, text)


def _set_threads(arguments: argparse.Namespace) -> None:
    """TensorFlow's own threads, which must be set before it begins to work."""
    import tensorflow as tf

    both = arguments.tensorflow_session_parallelism
    tf.config.threading.set_intra_op_parallelism_threads(arguments.tensorflow_intra_op_parallelism or both)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.tensorflow_inter_op_parallelism or both)


def make_server(arguments: argparse.Namespace) -> Server:
    """The server that a command line asks for, not started.

    Raises:
        ServingError: If a file cannot be used, or an address not listened on.
    """
    allow_connections(limits_of(arguments), protocols=2)
    if any(getattr(arguments, name) for name in PARALLELISM):
        _set_threads(arguments)
    from serving.cloud import model_config
    from serving.cloud.batching import BatchingParameters
    from serving.cloud.gateway_keys import KeyFile
    from serving.cloud.server import Server, ServerOptions

    token = None
    if arguments.token_file:
        try:
            with open(arguments.token_file, encoding="utf-8") as file:
                token = file.read().strip()
        except OSError as error:
            raise ServingError(400, f"cannot read --token_file: {error}") from error
        if not token:
            raise ServingError(400, f"--token_file {arguments.token_file} is empty")
    batching = BatchingParameters() if arguments.enable_batching else None
    if arguments.batching_parameters_file:
        batching = model_config.read_batching(arguments.batching_parameters_file)
    monitoring = model_config.MONITORING_PATH
    if arguments.monitoring_config_file:
        monitoring = model_config.read_monitoring(arguments.monitoring_config_file)
    models: Callable[[], list[model_config.ServedModel]]
    if arguments.model_config_file:
        models = model_config.ConfigFile(
            arguments.model_config_file,
            arguments.model_config_file_poll_wait_seconds,
            arguments.allow_version_labels_for_unavailable_models,
        )
    else:
        models = functools.partial(model_config.discover, arguments.model_base_path, arguments.model_name)

    options = ServerOptions(
        host=arguments.host,
        rest_api_port=arguments.rest_api_port or None,
        grpc_port=arguments.port or None,
        timeout=arguments.rest_api_timeout_in_ms / 1000,
        drain_seconds=arguments.drain_seconds,
        poll_seconds=arguments.file_system_poll_wait_seconds,
        config_seconds=arguments.model_config_file_poll_wait_seconds if arguments.model_config_file else 0.0,
        batching=batching,
        limits=limits_of(arguments),
        token=token,
        certificate=arguments.ssl_certificate,
        private_key=arguments.ssl_private_key,
        oblivious_keys=KeyFile(arguments.oblivious_key_file) if arguments.oblivious_key_file else None,
        oblivious_only=arguments.oblivious_only,
        cors=arguments.rest_api_enable_cors_support,
        monitoring_path=monitoring,
        check_methods=arguments.enable_signature_method_name_check,
        as_content=arguments.enable_serialization_as_tensor_content,
        grpc_socket_path=arguments.grpc_socket_path or None,
        grpc_arguments=flags.channel_arguments(arguments.grpc_channel_arguments),
    )
    return Server(models, options)


def _announce(server: Server) -> None:
    """Says on standard output where the server answers, once it does."""
    while not server.ready:
        if server.stopping.wait(0.05):
            return
    grpc = f", gRPC {at(server.options.host, server.grpc_port)}" if server.grpc_port else ""
    if server.options.oblivious_keys:
        for config in server.options.oblivious_keys().configs:
            _log.info("oblivious gateway's key %d: SHA-256 %s", config.key_id, config.fingerprint)
    print(f"serving {', '.join(server.repository.names())}: REST {server.rest_url or 'off'}{grpc}", flush=True)


def make_parser() -> argparse.ArgumentParser:
    """The command's parser."""
    parser = argparse.ArgumentParser(
        called("serving.cloud"),
        description=DESCRIPTION,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument_group("models").add_argument
    add("--model_base_path", help="folder of one model (NAME/VERSION/...) or of several")
    add("--model_name", help="name of the model in --model_base_path (default: its folder's name)")
    add("--model_config_file", help="TensorFlow Serving's models.config: names, version policies, labels")
    add(
        "--model_config_file_poll_wait_seconds",
        type=float,
        default=1.0,
        help="time between looks at --model_config_file; 0 reads it once",
    )
    add(
        "--file_system_poll_wait_seconds",
        type=float,
        default=1.0,
        help="time between looks for new versions; 0 looks once",
    )
    flags.add_switch(
        add, "allow_version_labels_for_unavailable_models", False, "let labels name versions that are not there"
    )
    flags.add_switch(
        add,
        "enable_signature_method_name_check",
        False,
        "ask signatures for their method's name: classify and regress take their own kind alone",
    )
    for name in PARALLELISM:
        add(f"--{name}", type=int, default=0, help="threads of TensorFlow; 0: as many as it thinks right")
    add("--verbose", action="store_true", help="show what other packages say, too")
    add("--version", action="store_true", help="print the versions and end")
    add = parser.add_argument_group("network").add_argument
    add("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 is every one of this machine")
    add("--rest_api_port", type=int, default=8501, help="port of the REST API; 0: off")
    add("--port", type=int, default=8500, help="port of the gRPC API; 0: off")
    add("--grpc_socket_path", help="path of a UNIX socket for the gRPC API, too")
    add("--grpc_channel_arguments", default="", help="more arguments of gRPC: NAME=VALUE,NAME=VALUE")
    flags.add_switch(add, "rest_api_enable_cors_support", False, "let pages from anywhere ask the REST API")
    flags.add_switch(
        add, "enable_serialization_as_tensor_content", False, "gRPC answers as bytes instead of typed fields"
    )
    add("--monitoring_config_file", help="TensorFlow Serving's monitoring.config: path of the metrics, or none")
    add("--ssl_certificate", help="PEM file of the certificate; switches TLS on")
    add("--ssl_private_key", help="PEM file of its private key")
    add("--token_file", help="file with the bearer token that requests must carry")
    add(
        "--oblivious_key_file",
        help="file with the private keys of an Oblivious HTTP gateway, made if it is not there (python -m "
        "serving.cloud.gateway_keys replaces them)",
    )
    add("--oblivious_only", action="store_true", help="refuse what did not come through the gateway; gRPC is closed")
    add = parser.add_argument_group("limits").add_argument
    flags.add_switch(add, "enable_batching", True, "let requests that arrive together run together")
    add(
        "--batching_parameters_file",
        help="TensorFlow Serving's batching parameters (default: 64 rows, 1 ms, 16 batches)",
    )
    add("--rest_api_timeout_in_ms", type=int, default=30000, help="time for an answer, in milliseconds")
    add_limits(add)
    add("--drain_seconds", type=float, default=20.0, help="time that requests under way get at the end")
    flags.add_others(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
