"""`python -m serving.relay`: an Oblivious HTTP relay from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from serving.protocol.addresses import at
from serving.protocol.extras import MissingPackageError, needs
from serving.protocol.limit_flags import add_limits, limits_of
from serving.protocol.limits import Limits
from serving.protocol.open_files import allow_connections

DESCRIPTION = """\
Passes sealed requests of many clients on to a gateway (python -m serving.cloud --oblivious_key_file), without
addresses, in batches and in a random order. Run it where the cloud's operator is not: whoever has both sides knows who
asked what."""


def main(argv: Sequence[str] | None = None) -> int:
    """Relays until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(
        "python -m serving.relay", description=DESCRIPTION, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--gateway_url", required=True, help="the cloud's REST API, such as https://HOST:8501")
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8600, help="port to listen on")
    add("--batch", type=int, default=32, help="requests that leave together")
    add("--wait_ms", type=float, default=50.0, help="longest time that a request waits for others, in milliseconds")
    add("--timeout_ms", type=float, default=30000.0, help="time for the gateway's answer, in milliseconds")
    add_limits(add)
    add("--ssl_certificate", help="PEM file of the relay's certificate; switches TLS on")
    add("--ssl_private_key", help="PEM file of its private key")
    add("--ca_file", help="PEM file of the authority that signed the gateway's certificate")
    arguments = parser.parse_args(argv)
    for name in ("batch", "wait_ms", "timeout_ms"):
        if getattr(arguments, name) <= 0:
            print(f"error: --{name} must be above 0; received {getattr(arguments, name)}", file=sys.stderr)
            return 2
    try:
        limits = limits_of(arguments)
        with needs("cloud"):
            _relay(arguments, limits)
    except (ValueError, MissingPackageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _relay(arguments: argparse.Namespace, limits: Limits) -> None:
    import uvicorn

    from serving.protocol.http_server import http_config
    from serving.relay.relay import RelayOptions, make_app

    allow_connections(limits, protocols=1)
    options = RelayOptions(
        gateway_url=arguments.gateway_url,
        batch=arguments.batch,
        wait_seconds=arguments.wait_ms / 1000,
        timeout=arguments.timeout_ms / 1000,
        limits=limits,
        ca_file=arguments.ca_file,
    )
    scheme = "https" if arguments.ssl_certificate else "http"
    where = f"{scheme}://{at(arguments.host, arguments.port)}"
    print(f"relaying to {arguments.gateway_url}: {where}", flush=True)
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
