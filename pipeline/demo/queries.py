"""Queries of the page: from files, or a request for examples, to the response."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable

import numpy as np

from pipeline.demo.inputs import draw_test_examples, named_examples, read_uploads
from pipeline.demo.key_comparison import compare_keys
from pipeline.demo.loaded_run import LoadedRun
from pipeline.demo.responses import query_response
from serving.edge.client import EdgeClient


def query_handler(run: LoadedRun, client: EdgeClient, attacker: concurrent.futures.Future) -> Callable[[dict], dict]:
    """A function from a query, `{"files": [...]}`, `{"samples": [name, ...]}` or `{"examples": count}`, to its
    `query_response`.

    Where no file can be used it is `rows`, which are none, and `refused`, and nothing is sent. One query is answered
    at a time; others wait.

    Args:
        run: The loaded run.
        client: Sends the inputs.
        attacker: The `Attacker`, once it is fitted; queries wait for it.
    """
    # The interpreters of `run.halves` hold one group; large pictures are decoded one by one.
    lock = threading.Lock()

    def handle(query: dict) -> dict:
        fitted = attacker.result()
        with lock:
            started = time.perf_counter()
            if "files" in query:
                inputs, rejected = read_uploads(run, query["files"])
            elif "samples" in query:
                inputs, rejected = named_examples(run, query["samples"])
            else:
                inputs, rejected = draw_test_examples(run, query["examples"]), []
            prepared = 1000 * (time.perf_counter() - started)
            if not inputs:
                return {"rows": [], "refused": [vars(file) for file in rejected]}
            comparison = compare_keys(run, client, np.stack([one.x for one in inputs]), fitted)
        comparison.milliseconds["prepare"] = prepared
        return query_response(run, inputs, rejected, comparison, fitted)

    return handle
