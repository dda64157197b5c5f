"""How much memory a process may hold examples in."""

from __future__ import annotations

import contextlib
import os

#: Environment variable with the bytes, which workers of a run inherit. It changes no result.
VARIABLE = "DATAMIX_MEMORY"
SHARE = 4
#: What a container may take, where it runs in one.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def allowed() -> int:
    """Bytes of examples that a process may hold: what the run was told (`--memory`), or a quarter of the machine's."""
    told = os.environ.get(VARIABLE)
    return int(told) if told else machine_bytes() // SHARE


def machine_bytes() -> int:
    """Memory of this machine in bytes, or of the container that this process runs in."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in LIMITS:
        with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
            found = min(found, int(file.read()))
    return found
