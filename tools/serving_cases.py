"""`python -m tools.serving_cases`: how many of TensorFlow Serving's own test cases our server answers the same.

The table is `tests/serving/contract_cases`, whose tests ask each row and hold the answer against it.
"""

from __future__ import annotations

import argparse
import collections
from collections.abc import Iterable

from tests.serving.contract_cases import KINDS
from tests.serving.contract_cases.case import Case

COUNTED = ("same", "differs", "not offered")


def counts(cases: Iterable[Case]) -> list[int]:
    """How many of the cases are of each of `COUNTED`."""
    found = collections.Counter(case.count_as for case in cases)
    return [found[name] for name in COUNTED]


def by_file() -> dict[str, list[Case]]:
    """The cases of each of upstream's test files; one that several have is with each."""
    files: dict[str, list[Case]] = collections.defaultdict(list)
    for table in KINDS.values():
        for case in table:
            for name in case.files.split():
                files[name].append(case)
    return dict(sorted(files.items()))


def page(reasons: bool = False) -> str:
    """The counts by kind and by file, with the cases that differ and why, or are not offered, if asked."""
    every = [case for table in KINDS.values() for case in table]
    lines = [f"{'':40}{'same':>8}{'differs':>12}{'not offered':>14}"]
    for title, rows in (("by kind", {**KINDS, "all": every}), ("by file (a case may be in several)", by_file())):
        lines += ["", title]
        for name, cases in rows.items():
            same, differs, missing = counts(cases)
            lines.append(f"{name:40}{same:>8}{differs:>12}{missing:>14}")
    for kind in COUNTED[1:] if reasons else ():
        lines += ["", kind]
        lines += [f"{case.files}: {case.what}: {case.why}" for case in every if case.count_as == kind]
    return "\n".join(lines)


def main() -> None:
    """Prints the counts."""
    parser = argparse.ArgumentParser("python -m tools.serving_cases", description=__doc__)
    parser.add_argument("--reasons", action="store_true", help="tell each case that is not the same, and why")
    print(page(parser.parse_args().reasons))


if __name__ == "__main__":
    main()
