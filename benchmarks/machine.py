"""What a figure was measured on."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform

PACKAGES = ("tensorflow", "keras", "numpy", "ai-edge-litert", "apache-beam", "torch", "tenseal", "mpyc")


def machine() -> str:
    """Date, cores, processor, memory, and versions of what is installed."""
    versions = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    date = datetime.date.today().isoformat()
    return f"{date}, {os.cpu_count()} cores ({_processor()}), {gigabytes:.0f} GiB; {', '.join(versions)}"


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
