"""How many connections and files a process may have open: by default often fewer than a server's own limit."""

from __future__ import annotations

import contextlib

from serving.protocol.limits import Limits

_OTHERS = 512  # models, sockets of the runtime, temporary files


def allow_connections(limits: Limits, protocols: int) -> None:
    """Raises the soft limit of open files to what the limits of connections take, as far as the system lets it.

    Where the limit is lower, whoever opens that many connections keeps the server from opening anything else.

    Args:
        limits: `Limits`; up to twice as many connections as they name may be open.
        protocols: How many servers have these limits, each for itself.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * limits.max_connections * protocols + _OTHERS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
