"""Where Beam's own servers listen. Beam names every interface; what stays on this machine is kept there.

Beam has no option for it (2.77): the modules that open the ports are given a `grpc` whose servers listen on loopback.
"""

from __future__ import annotations

import sys
from typing import Any

#: Opens its own ports on all interfaces, whatever the environment.
PRISM = "PrismRunner"
#: Environments whose workers reach the runner by more than `localhost`.
ELSEWHERE = ("LOOPBACK", "EXTERNAL", PRISM)
_EVERYWHERE, _LOOPBACK = "[::]:", "127.0.0.1:"


def guard_ports(environment: str | None) -> None:
    """Keeps Beam's ports on loopback, or says on standard error that they are not.

    Args:
        environment: Beam's `--environment_type`, or `PRISM`.
    """
    import grpc
    from apache_beam.runners.portability import local_job_service
    from apache_beam.runners.portability.fn_api_runner import worker_handlers

    local = environment not in ELSEWHERE
    for module in (local_job_service, worker_handlers):
        module.grpc = _LoopbackGrpc() if local else grpc  # type: ignore[attr-defined]
    if not local:
        print(
            f"*** BEAM LISTENS ON ALL INTERFACES ({environment}): whoever reaches its ports can read your data and run "
            "code as you; private network only (docs/how-to/runners.md) ***",
            file=sys.stderr,
            flush=True,
        )


class _LoopbackGrpc:
    """`grpc`, but for where its servers listen."""

    def __getattr__(self, name: str) -> Any:
        import grpc

        return getattr(grpc, name)

    def server(self, *arguments: Any, **options: Any) -> Any:
        import grpc

        server = grpc.server(*arguments, **options)
        add = server.add_insecure_port
        server.add_insecure_port = lambda address: add(address.replace(_EVERYWHERE, _LOOPBACK))
        return server
