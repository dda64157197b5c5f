"""What all benchmarks share: measuring in turns, and one JSON line for a figure."""

from __future__ import annotations

import json
import time

import numpy as np


def in_turns(ways: dict, rounds: int, least_seconds: float = 0.02) -> dict:
    """Seconds of each way, measured in turns, so that a machine that changes its speed meets all alike.

    Args:
        ways: Name -> function without arguments.
        rounds: Measurements of each.
        least_seconds: A measurement repeats a way until it takes so long, by a first guess.

    Returns:
        Name -> float64 `[rounds]`, seconds of one call.
    """
    repeats = {}
    for name, way in ways.items():
        way()  # traces, allocates, fills caches
        started = time.perf_counter()
        way()
        repeats[name] = max(1, round(least_seconds / max(time.perf_counter() - started, 1e-9)))
    times = {name: np.empty(rounds) for name in ways}
    for turn in range(rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            for _ in range(repeats[name]):
                way()
            times[name][turn] = (time.perf_counter() - started) / repeats[name]
    return times


def show(benchmark: str, ratios, target: str = "", **details) -> None:
    """Prints a figure.

    Args:
        benchmark: What is divided by what.
        ratios: Of each round, the ratio.
        target: A bound such as `"<= 1.15"` or `">= 100"`, or nothing.
        details: What it was measured on.
    """
    low, median, high = np.percentile(np.asarray(ratios, float), [25, 50, 75])
    figure = {"benchmark": benchmark, **details, "ratio": short(median), "quartiles": [short(low), short(high)]}
    figure["rounds"] = len(ratios)
    if target:
        sign, bound = target.split()
        met = median <= float(bound) if sign == "<=" else median >= float(bound)
        figure |= {"target": target, "met": bool(met)}
    print(json.dumps(figure), flush=True)


def short(number) -> float:
    """A number with three digits."""
    return float(f"{float(number):.3g}")


def milliseconds(seconds) -> float:
    """The median of times, in milliseconds with three digits."""
    return short(1000 * np.median(seconds))
