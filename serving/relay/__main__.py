"""`python -m serving.relay`: an Oblivious HTTP relay from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from serving.protocol.addresses import at, masked
from serving.protocol.command_names import called
from serving.protocol.extras import MissingPackageError, needs
from serving.protocol.limit_flags import add_limits, limits_of
from serving.protocol.limits import Limits
from serving.protocol.open_files import allow_connections
from serving.protocol.quiet import quieten

DESCRIPTION = """\
Passes sealed requests of many clients on to a gateway (python -m serving.cloud --oblivious_key_file), without
addresses, in batches and in a random order. Run it where the cloud's operator is not: whoever has both sides knows who
asked what."""
#: What an operator is told at the start.
NOTICES = (
    "not protected: who also runs or watches the cloud knows who asked what; a user who asks while nobody else does "
    "(within {wait_ms:g} ms, or a batch of {batch}) is not hidden; mixtures may betray which belong together",
    "this assumes: other operators than the cloud's, many users at a time, and a model that python -m pipeline.audit "
    "has measured with shuffled mixtures (threat model pooled)",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Relays until told to stop; returns the exit status."""
    arguments = make_parser().parse_args(argv)
    quieten(argv)
    for name in ("batch", "least_clients", "wait_ms", "timeout_ms"):
        if getattr(arguments, name) <= 0:
            print(f"error: --{name} must be above 0; received {getattr(arguments, name)}", file=sys.stderr)
            return 2
    if arguments.least_clients > arguments.batch:
        print(f"error: --least_clients must be at most --batch ({arguments.batch})", file=sys.stderr)
        return 2
    _warn(arguments)
    if not arguments.quiet:
        for line in NOTICES:
            print(line.format(**vars(arguments)), file=sys.stderr, flush=True)
    try:
        limits = limits_of(arguments)
        with needs("cloud"):
            _relay(arguments, limits)
    except (ValueError, MissingPackageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The command's parser."""
    parser = argparse.ArgumentParser(
        called("serving.relay"), description=DESCRIPTION, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--gateway_url", required=True, help="the cloud's REST API, such as https://HOST:8501")
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8600, help="port to listen on")
    add("--batch", type=int, default=32, help="clients (addresses) whose requests leave together")
    add("--least_clients", type=int, default=1, help="refuse requests that wait with those of fewer clients (503)")
    add("--wait_ms", type=float, default=50.0, help="longest time that a request waits for others, in milliseconds")
    add("--timeout_ms", type=float, default=30000.0, help="time for the gateway's answer, in milliseconds")
    add_limits(add)
    add("--ssl_certificate", help="PEM file of the relay's certificate; switches TLS on")
    add("--ssl_private_key", help="PEM file of its private key")
    add("--ca_file", help="PEM file of the authority that signed the gateway's certificate")
    add("--verbose", action="store_true", help="show what other packages say, too")
    add("--quiet", action="store_true", help="leave out the lines that say what a relay does not protect")
    return parser


def _warn(arguments: argparse.Namespace) -> None:
    """Says which way is open to listeners."""
    to_gateway = (
        None if arguments.gateway_url.lower().startswith("https:") else "the gateway (--gateway_url https://...)"
    )
    from_clients = None if arguments.ssl_certificate else "the clients (--ssl_certificate)"
    open_ways = " and ".join(filter(None, (from_clients, to_gateway)))
    if open_ways:
        print(
            f"*** PLAIN HTTP to {open_ways}: who listens there can tell which request is whose (RFC 9458, section 6) "
            "***",
            file=sys.stderr,
            flush=True,
        )


def _relay(arguments: argparse.Namespace, limits: Limits) -> None:
    import uvicorn

    from serving.protocol.http_server import http_config
    from serving.relay.relay import RelayOptions, make_app

    allow_connections(limits, protocols=1)
    options = RelayOptions(
        gateway_url=arguments.gateway_url,
        batch=arguments.batch,
        wait_seconds=arguments.wait_ms / 1000,
        least_clients=arguments.least_clients,
        timeout=arguments.timeout_ms / 1000,
        limits=limits,
        ca_file=arguments.ca_file,
    )
    scheme = "https" if arguments.ssl_certificate else "http"
    where = f"{scheme}://{at(arguments.host, arguments.port)}"
    print(f"relaying to {masked(arguments.gateway_url)}: {where}", flush=True)
    config = http_config(
        make_app(options),
        limits,
        drain_seconds=options.timeout,
        host=arguments.host,
        port=arguments.port,
        ssl_certfile=arguments.ssl_certificate,
        ssl_keyfile=arguments.ssl_private_key,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    sys.exit(main())
