"""From a query of the page to what the page shows."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable

import numpy as np

from pipeline.demo.intake import chosen, dropped
from pipeline.demo.journey import Device
from pipeline.demo.opened import Opened
from pipeline.demo.telling import told


def answering(run: Opened, device: Device, attacker: concurrent.futures.Future) -> Callable[[dict], dict]:
    """A function from a query, `{"files": [...]}` or `{"examples": count}`, to what `told` returns of it.

    Where no file can be used it is `rows`, which are none, and `refused`, and nothing is sent.

    Args:
        run: The opened run.
        device: Sends what is given.
        attacker: The `Attacker`, once it is fitted; queries wait for it.
    """

    def ask(query: dict) -> dict:
        started = time.perf_counter()
        given, refused = dropped(run, query["files"]) if "files" in query else (chosen(run, query["examples"]), [])
        prepared = 1000 * (time.perf_counter() - started)
        if not given:
            return {"rows": [], "refused": [vars(one) for one in refused]}
        fitted = attacker.result()
        journey = device.travel(np.stack([one.x for one in given]), fitted)
        journey.milliseconds["prepare"] = prepared
        return told(run, given, refused, journey, fitted)

    return ask
