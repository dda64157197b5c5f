"""`python -m tools.audit_packages CONSTRAINTS STAMP`: asks a database for known faults of the packages used here.

pip-audit asks about one package after the other, so several of it run side by side. What was found to have no fault is
not asked again for a day. Without a network, or without pip-audit, it says so and is content: lint works offline.
"""

from __future__ import annotations

import concurrent.futures
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

SIDE_BY_SIDE, SECONDS, DAY = 6, 20, 86400
Found = list[dict]


def main(argv: Sequence[str] | None = None, ask: Callable[[list[str]], Found | None] | None = None) -> int:
    """Prints what is known.

    Args:
        argv: Path of the constraints, and of the file whose time says when all was well.
        ask: Asks about packages; default: pip-audit.

    Returns:
        1 if a package has a known fault, else 0.
    """
    constraints, stamp = sys.argv[1:] if argv is None else argv
    if ask is None and importlib.util.find_spec("pip_audit") is None:
        return _skip("pip-audit is not installed (make setup)")
    if _fresh(stamp, constraints):
        print("packages: no known faults (asked within a day)")
        return 0
    ask = ask or _ask
    pins = packages(constraints)
    if not _audited(ask(pins[:1])):
        return _skip("no database of known faults can be reached")
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        parts = [pins[start::SIDE_BY_SIDE] for start in range(min(SIDE_BY_SIDE, len(pins)))]
        answers = list(threads.map(ask, parts))
    found = [package for answer in answers for package in answer or []]
    faulty = [package for package in found if package.get("vulns")]
    for package in faulty:
        for fault in package["vulns"]:
            mended = ", ".join(fault.get("fix_versions", [])) or "no version yet"
            print(f"{package['name']} {package['version']}: {fault['id']}, mended in {mended}", file=sys.stderr)
    if faulty:
        return 1
    unknown = len(pins) - len(_audited(found))
    print(f"packages: no known faults in {len(pins) - unknown}" + (f", {unknown} not audited" if unknown else ""))
    if not unknown:
        with open(stamp, "w", encoding="utf-8"):
            pass
    return 0


def packages(path: str) -> list[str]:
    """The pins in a file of constraints."""
    with open(path, encoding="utf-8") as file:
        lines = [line.partition("#")[0].strip() for line in file]
    return [line for line in lines if line]


def _audited(found: Found | None) -> Found:
    """What the database knows; of the others it does not say that they have no faults."""
    return [package for package in found or [] if "vulns" in package]


def _fresh(stamp: str, constraints: str) -> bool:
    if not os.path.exists(stamp):
        return False
    when = os.path.getmtime(stamp)
    return when >= max(os.path.getmtime(constraints), time.time() - DAY)


def _ask(pins: list[str]) -> Found | None:
    """What pip-audit says of packages; None if it cannot ask."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("\n".join(pins) + "\n")
        file.flush()
        command = [sys.executable, "-m", "pip_audit", "--requirement", file.name, "--no-deps", "--disable-pip"]
        command += ["--format", "json", "--progress-spinner", "off", "--timeout", "3"]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
            return json.loads(result.stdout)["dependencies"]
        except (subprocess.TimeoutExpired, ValueError, KeyError):
            return None


def _skip(reason: str) -> int:
    print(f"packages: not audited, {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
